// Threads that allocate and free each other's blocks: each operation puts a new block into a random place of a table
// that all share, and frees the block that was there.
// Usage: exchange THREADS OPERATIONS (of all threads together)
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { PLACES = 1 << 14 };

static _Atomic(char *) table[PLACES];
static long operations_per_thread;

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *work(void *seed) {
    uint64_t state = (uintptr_t)seed;
    for (long i = 0; i < operations_per_thread; i++) {
        uint64_t random = next(&state);
        char *block = malloc(16 + random % 112);
        if (!block) abort();
        *block = 1;
        free(atomic_exchange(&table[(random >> 32) % PLACES], block));
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    long threads = atol(argv[1]);
    operations_per_thread = atol(argv[2]) / threads;
    pthread_t *started = calloc(threads, sizeof *started);
    if (!started) abort();
    for (long i = 0; i < threads; i++)
        if (pthread_create(&started[i], NULL, work, (void *)(uintptr_t)(0x9E3779B97F4A7C15u + i))) return 1;
    for (long i = 0; i < threads; i++) pthread_join(started[i], NULL);
    for (long i = 0; i < PLACES; i++) free(table[i]);
    free(started);
    return 0;
}
