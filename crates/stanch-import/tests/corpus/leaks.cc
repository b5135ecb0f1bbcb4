// Loses 404 bytes in 6 blocks at 4 places, 48 bytes hang on one of them, and frees one block wrongly.
#include <cstdlib>
#include <cstring>
struct node { node *next; char pad[40]; };
static void *kept;
__attribute__((noinline)) static void lose() { for (int i = 0; i < 3; i++) memset(malloc(100), 1, 100); }
__attribute__((noinline)) static void lose_tree() { node *n = new node; n->next = new node; memset(n->pad, 0, 40); }
__attribute__((noinline)) static void lose_copy() { *(volatile char *)strdup("hello"); }
__attribute__((noinline)) static void wrong() { char *p = new char[7]; p[0] = 1; free(p); }
int main() { kept = malloc(50); lose(); lose_tree(); lose_copy(); wrong(); return 0; }
