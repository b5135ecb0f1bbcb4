// One program in two versions: NEW has what OLD has not, and the other way round.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#define APART __attribute__((noinline))

struct Node {
    Node *next;
    char text[120];
};

static char *volatile middle;
static std::vector<std::string> *volatile kept;

APART static void lose(std::size_t count, std::size_t size) {
    for (std::size_t index = 0; index < count; index++) *static_cast<volatile char *>(std::malloc(size)) = 1;
}

namespace cache {
APART void fill(int count) {
    kept = new std::vector<std::string>;
    for (int index = 0; index < count; index++) kept->push_back(std::string(100, 'x'));
}
APART void remember() { for (int index = 0; index < 60; index++) *(volatile char *)new char[700] = 1; } // PLANTED
APART void forget() { for (int index = 0; index < 25; index++) *(volatile char *)new char[300] = 1; }
}

namespace parser {
APART void list(int count) {
    Node *volatile first = nullptr;
    for (int index = 0; index < count; index++) {
        Node *node = new Node;
        node->next = first;
        std::memset(node->text, 'x', sizeof node->text);
        first = node;
    }
}
APART void scratch(int count) { lose(count, 90); }
APART void twice() { for (int index = 0; index < 8; index++) *(volatile char *)std::malloc(50) = 1; }
}

APART static void hold() {
    middle = static_cast<char *>(std::malloc(5000)) + 64;
    *middle = 1;
}

int main() {
#ifdef NEW
    cache::fill(400);
    parser::list(90);
    parser::scratch(20);
    cache::remember();
    hold();
    middle = nullptr;
#else
    hold();
    parser::scratch(300);
    cache::forget();
    parser::list(20);
    cache::fill(100);
#endif
    parser::twice();
    return 0;
}
