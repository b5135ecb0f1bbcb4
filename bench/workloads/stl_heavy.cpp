// Not run but compiled: templates enough to keep cc1plus busy for some seconds.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N>
struct Stage {
    using Value = std::variant<int, double, std::string, std::vector<std::array<int, N + 1>>>;
    std::map<std::string, std::vector<Value>> values;
    std::unordered_map<int, std::shared_ptr<std::function<Value(const Value &)>>> steps;

    std::size_t run(const std::string &text) {
        std::regex words("([a-z]+)([0-9]{1,3})?");
        for (std::sregex_iterator it(text.begin(), text.end(), words), end; it != end; ++it)
            values[it->str(1)].push_back(std::stoi(it->str(2)) + N);
        for (auto &[name, list] : values)
            std::sort(list.begin(), list.end(), [](const Value &a, const Value &b) { return a.index() < b.index(); });
        std::set<std::tuple<std::string, std::size_t, int>> sizes;
        for (auto &[name, list] : values) sizes.emplace(name, list.size(), N);
        return sizes.size() + Stage<N - 1>().run(text);
    }
};

template <>
struct Stage<0> {
    std::size_t run(const std::string &text) { return text.size(); }
};

int main(int argc, char **argv) {
    std::ostringstream out;
    out << Stage<6>().run(argc > 1 ? argv[1] : "abc123 def");
    std::cout << out.str() << '\n';
    return 0;
}
