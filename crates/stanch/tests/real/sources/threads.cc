// Twenty threads that churn maps and strings; four of them lose a block each.
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <vector>

__attribute__((noinline)) static void lose_one() {
    std::string *volatile lost = new std::string("a text that is too long to lie in the string itself");
    lost = nullptr;
}

static size_t work(unsigned seed) {
    std::map<std::string, std::string> map;
    unsigned state = seed;
    for (int i = 0; i < 3000; i++) {
        state = state * 1103515245u + 12345u;
        std::string key = "a key of some length " + std::to_string(state % 1000);
        if (state & 64)
            map[key] += std::to_string(i);
        else
            map.erase(key);
    }
    if (seed % 5 == 0)
        lose_one();
    return map.size();
}

int main() {
    std::vector<std::thread> threads;
    std::vector<size_t> sizes(20);
    for (unsigned i = 0; i < 20; i++)
        threads.emplace_back([&, i] { sizes[i] = work(i); });
    for (auto &thread : threads)
        thread.join();
    size_t sum = 0;
    for (size_t size : sizes)
        sum += size;
    printf("%zu\n", sum);
}
