// A large heap that changes at random: two threads replace blocks of 10^6 live ones.
// Usage: replace BLOCKS REPLACEMENTS (both of all threads together)
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

enum { THREADS = 2 };

static long blocks_per_thread;
static long replacements_per_thread;

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *work(void *seed) {
    uint64_t state = (uintptr_t)seed;
    char **blocks = calloc(blocks_per_thread, sizeof *blocks);
    if (!blocks) abort();
    for (long i = 0; i < blocks_per_thread + replacements_per_thread; i++) {
        long slot = i < blocks_per_thread ? i : (long)(next(&state) % blocks_per_thread);
        free(blocks[slot]);
        blocks[slot] = malloc(16 + next(&state) % 240);
        if (!blocks[slot]) abort();
        *blocks[slot] = 1;
    }
    for (long i = 0; i < blocks_per_thread; i++) free(blocks[i]);
    free(blocks);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    blocks_per_thread = atol(argv[1]) / THREADS;
    replacements_per_thread = atol(argv[2]) / THREADS;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)(0x9E3779B97F4A7C15u + i))) return 1;
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
