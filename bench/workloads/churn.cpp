// Containers of C++ that come and go: maps of strings to vectors, strings that grow.
// Usage: churn ROUNDS
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

static std::size_t churn(int round) {
    std::map<std::string, std::vector<int>> table;
    for (int i = 0; i < 2000; i++) {
        std::string key = "a key that is not short " + std::to_string((i * 7919 + round) % 1500);
        table[key].push_back(i);
        if (i % 3 == 0) table.erase("a key that is not short " + std::to_string(i));
    }
    std::string text;
    for (const auto &[key, values] : table) text += key + std::to_string(values.size());
    return text.size();
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    std::size_t sum = 0;
    for (int round = 0; round < std::atoi(argv[1]); round++) sum += churn(round);
    return sum == 0;
}
