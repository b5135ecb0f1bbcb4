//! Programs in two versions: the newer one has its functions in another order, further down, and one leak more.

/// A version of a program: its source and the folder below the checkout that it lies in.
pub(crate) struct Program {
    /// Compiler and ending of the source's name.
    pub(crate) compiler: &'static str,
    pub(crate) ending: &'static str,
    pub(crate) old: &'static str,
    pub(crate) new: &'static str,
}

/// Keeps, loses (a list, a copy, a block held by its middle) and frees; the planted leak is `remember`.
pub(crate) const C: Program = Program { compiler: "gcc", ending: "c", old: C_OLD, new: C_NEW };

/// The same with `new`, containers and templates; the planted leak is `Shop<int>::restock`.
pub(crate) const CPLUSPLUS: Program = Program { compiler: "g++", ending: "cc", old: CPLUSPLUS_OLD, new: CPLUSPLUS_NEW };

const C_OLD: &str = r#"
#include <stdlib.h>
#include <string.h>
struct item { struct item *next; char text[56]; };
static struct item *volatile kept;
static char *volatile middle;
__attribute__((noinline)) static struct item *make(struct item *next) {
    struct item *item = malloc(sizeof *item);
    item->next = next;
    memset(item->text, 'x', sizeof item->text);
    return item;
}
static void lose_list(int count) {
    struct item *volatile list = NULL;
    for (int i = 0; i < count; i++) list = make(list);
}
static void keep(void) { kept = make(make(NULL)); kept->text[0] = 1; }
static void lose_copy(const char *path) { *(volatile char *)strdup(path) = 'x'; }
static void hold_middle(void) { middle = (char *)malloc(3000) + 64; *(volatile char *)middle = 1; }
static void come_and_go(void) {
    for (int i = 0; i < 100; i++) { struct item *item = make(NULL); *(volatile char *)item->text = 1; free(item); }
}
int main(int count, char **words) {
    (void)count;
    keep();
    lose_list(20);
    lose_copy(words[0]);
    hold_middle();
    come_and_go();
    return 0;
}
"#;

const C_NEW: &str = r#"
/* A comment that moves every line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item { struct item *next; char text[56]; };
static struct item *volatile kept;
static char *volatile middle;
static struct item *make(struct item *next);
static void come_and_go(void) {
    for (int i = 0; i < 200; i++) {
        struct item *item = make(NULL);
        *(volatile char *)item->text = 1;
        free(item);
    }
}

static void hold_middle(void) {
    middle = (char *)malloc(3000) + 64;
    *(volatile char *)middle = 1;
}
static void lose_copy(const char *path) {
    *(volatile char *)strdup(path) = 'x';
}
static void remember(int number) {
    char *line = malloc(100);
    snprintf(line, 100, "number %d", number);
    *(volatile char *)line = 'N';
}
static void keep(void) { kept = make(make(NULL)); kept->text[0] = 1; }
__attribute__((noinline)) static struct item *make(struct item *next) {
    struct item *item = malloc(sizeof *item);
    item->next = next;
    memset(item->text, 'x', sizeof item->text);
    return item;
}
static void lose_list(int count) {
    struct item *volatile list = NULL;
    for (int i = 0; i < count; i++) list = make(list);
}
int main(int count, char **words) {
    (void)count;
    come_and_go();
    hold_middle();
    lose_copy(words[0]);
    for (int i = 0; i < 7; i++) remember(i);
    lose_list(20);
    keep();
    return 0;
}
"#;

const CPLUSPLUS_OLD: &str = r#"
#include <map>
#include <memory>
#include <string>
#include <vector>
template <typename T> struct Shop {
    std::vector<T> *volatile shelf = nullptr;
    void open() { shelf = new std::vector<T>(100, T()); }
};
static std::map<std::string, int> *volatile names;
namespace app {
struct Page { virtual ~Page() = default; std::string text = std::string(200, 'x'); };
struct Cover : Page { int number[20] = {}; };
static void lose_page() { Page *volatile page = new Cover; (void)page; }
static void keep() {
    names = new std::map<std::string, int>;
    for (int i = 0; i < 50; i++) (*names)[std::string(40, 'a' + i % 26) + std::to_string(i)] = i;
}
static void come_and_go() { auto page = std::make_unique<Cover>(); *(volatile char *)page->text.data() = 1; }
}
int main() {
    Shop<int> shop;
    shop.open();
    *(volatile int *)shop.shelf->data() = 1;
    shop.shelf = nullptr;
    for (int i = 0; i < 3; i++) app::lose_page();
    app::keep();
    app::come_and_go();
    return 0;
}
"#;

const CPLUSPLUS_NEW: &str = r#"
#include <map>
#include <memory>
#include <string>
#include <vector>

// Other things come first now.
static std::map<std::string, int> *volatile names;
namespace app {
struct Page {
    virtual ~Page() = default;
    std::string text = std::string(200, 'x');
};
struct Cover : Page { int number[20] = {}; };

static void come_and_go() {
    auto page = std::make_unique<Cover>();
    *(volatile char *)page->text.data() = 1;
}
static void keep() {
    names = new std::map<std::string, int>;
    for (int i = 0; i < 50; i++) (*names)[std::string(40, 'a' + i % 26) + std::to_string(i)] = i;
}
static void lose_page() {
    Page *volatile page = new Cover;
    (void)page;
}
}

template <typename T> struct Shop {
    std::vector<T> *volatile shelf = nullptr;
    void restock() {
        T *volatile boxes = new T[25];
        boxes[0] = T();
    }
    void open() { shelf = new std::vector<T>(100, T()); }
};
int main() {
    app::come_and_go();
    app::keep();
    for (int i = 0; i < 3; i++) app::lose_page();
    Shop<int> shop;
    for (int i = 0; i < 7; i++) shop.restock();
    shop.open();
    *(volatile int *)shop.shelf->data() = 1;
    shop.shelf = nullptr;
    return 0;
}
"#;
