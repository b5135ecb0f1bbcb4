//! The programs of these tests.

/// Loses 402 bytes in 6 blocks at 3 places, frees some at once and some later, and one wrongly.
pub(crate) const LEAKS: &str = r#"
#include <cstdlib>
#include <cstring>
struct node { node *next; char pad[40]; };
static void *kept;
__attribute__((noinline)) static void lose() { for (int i = 0; i < 3; i++) memset(malloc(100), 1, 100); }
__attribute__((noinline)) static void lose_tree() { node *n = new node; n->next = new node; memset(n->pad, 0, 40); }
__attribute__((noinline)) static void lose_copy() { *(volatile char *)strdup("hello"); }
__attribute__((noinline)) static void wrong() { char *p = new char[7]; p[0] = 1; free(p); }
__attribute__((noinline)) static void come_and_go() {
    for (int i = 0; i < 5; i++) free(malloc(1000 + i));
    void *held[10];
    for (int i = 0; i < 10; i++) held[i] = malloc(2000 + i);
    for (int i = 0; i < 10; i++) free(held[i]);
}
int main() {
    kept = malloc(50);
    come_and_go();
    lose();
    lose_tree();
    lose_copy();
    wrong();
    return kept == nullptr;
}
"#;

/// Starts a child; both lose.
pub(crate) const FORKS: &str = r#"
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>
__attribute__((noinline)) static void lose_in_child() { *(volatile char *)malloc(33) = 1; }
__attribute__((noinline)) static void lose_in_parent() { *(volatile char *)malloc(44) = 1; }
int main() {
    pid_t child = fork();
    if (child == 0) { lose_in_child(); exit(0); }
    int status = 0;
    waitpid(child, &status, 0);
    lose_in_parent();
    return 0;
}
"#;
