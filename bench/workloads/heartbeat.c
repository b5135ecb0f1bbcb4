/* Keeps blocks alive, replaces some of them all the time, and measures how regularly one thread gets to run.
 *
 * usage: heartbeat MIB BYTES THREADS
 *
 * Fills so many MiB with blocks of so many bytes, each of which points to others. THREADS threads then replace and
 * write blocks, a little each millisecond; one more thread beats ten thousand times a second. For each line on standard
 * input one line goes out, about the time since the last one:
 *
 *     LONGEST_GAP_US CPU_MS WALL_MS REPLACED
 *
 * At first it says `ready`, its process id, and how many microseconds a bare fork took, the quickest of three.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct block {
    struct block *other;
    unsigned long value;
};

static struct block **blocks;
static size_t count, bytes, threads;
static atomic_long longest_gap_us, replaced;

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static double cpu_ms(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void pause_us(long microseconds) {
    struct timespec time = {0, microseconds * 1000};
    nanosleep(&time, NULL);
}

static struct block *new_block(struct block *other) {
    struct block *block = malloc(bytes);
    if (block == NULL) abort();
    block->other = other;
    block->value = (unsigned long)other;
    return block;
}

/* Without the C library's handlers; the child does nothing. */
static long bare_fork_us(void) {
    long best_us = 1L << 40;
    for (int i = 0; i < 3; i++) {
        double start = now_us();
        long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0) syscall(SYS_exit_group, 0);
        long took_us = now_us() - start;
        waitpid(child, NULL, 0);
        if (took_us < best_us) best_us = took_us;
    }
    return best_us;
}

static void *beat(void *unused) {
    double last = now_us();
    for (;;) {
        pause_us(100);
        double now = now_us();
        long gap_us = now - last, longest = longest_gap_us;
        while (longest < gap_us && !atomic_compare_exchange_weak(&longest_gap_us, &longest, gap_us)) {
        }
        last = now;
    }
    return unused;
}

/* Each thread has a part of the blocks to itself. */
static void *replace(void *first) {
    size_t begin = (size_t)first * count / threads, end = ((size_t)first + 1) * count / threads;
    unsigned long state = 88172645463325252UL + begin;
    for (;;) {
        for (int i = 0; i < 400 / (int)threads + 1; i++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            size_t at = begin + state % (end - begin);
            if (state >> 60) {
                blocks[at]->value = state;
            } else {
                struct block *other = blocks[at]->other;
                free(blocks[at]);
                blocks[at] = new_block(other);
                replaced++;
            }
        }
        pause_us(1000);
    }
    return NULL;
}

int main(int words, char **word) {
    if (words != 4) return fprintf(stderr, "usage: heartbeat MIB BYTES THREADS\n"), 2;
    bytes = strtoul(word[2], NULL, 10);
    threads = strtoul(word[3], NULL, 10);
    /* glibc puts 8 bytes to each block and rounds up to 16. */
    count = (strtoul(word[1], NULL, 10) << 20) / ((bytes + 8 + 15) & ~15UL);
    blocks = malloc(count * sizeof *blocks);
    if (bytes < sizeof **blocks || threads == 0 || count < threads || blocks == NULL) return 2;
    /* What a replaced block points to is kept: these are never replaced, as they are in no thread's part. */
    struct block *last = NULL;
    for (size_t i = 0; i < count; i++) blocks[i] = new_block(i % 8 == 0 ? (last = new_block(last)) : last);
    long fork_us = bare_fork_us();
    pthread_t thread;
    pthread_create(&thread, NULL, beat, NULL);
    for (size_t i = 0; i < threads; i++) pthread_create(&thread, NULL, replace, (void *)i);
    printf("ready %d %ld\n", getpid(), fork_us);
    fflush(stdout);
    double start_us = now_us(), start_cpu_ms = cpu_ms();
    while (getchar() == '\n') {
        double end_us = now_us(), end_cpu_ms = cpu_ms();
        printf("%ld %.1f %.1f %ld\n", atomic_exchange(&longest_gap_us, 0), end_cpu_ms - start_cpu_ms,
               (end_us - start_us) / 1e3, atomic_exchange(&replaced, 0));
        fflush(stdout);
        start_us = end_us, start_cpu_ms = end_cpu_ms;
    }
    _exit(0);
}
