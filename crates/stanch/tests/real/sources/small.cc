// What the C++ compiler gets to compile.
#include <vector>

int main() {
    std::vector<int> numbers;
    numbers.push_back(1);
    return numbers[0] - 1;
}
