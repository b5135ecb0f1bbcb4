// The worst case of a hook: malloc and free in a tight loop below a call stack of the given depth.
// Usage: loop DEPTH PAIRS
#include <stdlib.h>

static void pairs(long count) {
    for (long i = 0; i < count; i++) {
        char *volatile block = malloc(16 + (i & 127));
        if (!block) abort();
        *block = 1;
        free(block);
    }
}

// The barrier after the call keeps it from becoming a jump.
__attribute__((noinline, noclone)) static void descend(long depth, long count) {
    if (depth > 0)
        descend(depth - 1, count);
    else
        pairs(count);
    __asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    descend(atol(argv[1]), atol(argv[2]));
    return 0;
}
