/* Notices whatever a snapshot could disturb: threads in calls that the kernel restarts in different ways, waits that
 * could meet a child that is not the program's, signals, masks, registers, and blocks that move. Ends with status 5
 * if nothing was wrong. Runs for a minute or until SIGUSR1. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <stdatomic.h>
#include <linux/futex.h>
#include <sys/syscall.h>

static atomic_int stop, wrong;
static int pipes[2];
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
static void is_wrong(const char *what, long result) {
    if (atomic_fetch_add(&wrong, 1) < 20)
        printf("wrong: %s: %ld, errno %d (%s)\n", what, result, errno, strerror(errno));
}
static void block_all(void) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}
static void *sleeps(void *unused) {
    block_all();
    while (!stop) {
        struct timespec t = {0, 30000000}, rest = {0, 0};
        double start = now();
        long result = nanosleep(&t, &rest);
        if (result != 0 || now() - start < 0.03) is_wrong("nanosleep", result);
    }
    return unused;
}
static void *polls(void *unused) {
    block_all();
    while (!stop) {
        double start = now();
        long result = poll(NULL, 0, 25);
        if (result != 0 || now() - start < 0.025) is_wrong("poll", result);
    }
    return unused;
}
static void *epolls(void *unused) {
    block_all();
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    while (!stop) {
        long result = epoll_wait(set, &event, 1, 20);
        /* Linux does not restart it: any stop may end it early (signal(7)). */
        if (result != 0 && !(result == -1 && errno == EINTR)) is_wrong("epoll_wait", result);
    }
    close(set);
    return unused;
}
static void *futexes(void *unused) {
    block_all();
    int word = 0;
    while (!stop) {
        struct timespec t = {0, 20000000};
        double start = now();
        long result = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0);
        if (result != -1 || errno != ETIMEDOUT || now() - start < 0.02) is_wrong("futex", result);
    }
    return unused;
}
static void *reads(void *unused) {
    long sum = 0, value;
    long result;
    while ((result = read(pipes[0], &value, sizeof value)) == sizeof value) sum += value;
    if (result != 0) is_wrong("read", result);
    printf("read %ld\n", sum);
    return unused;
}
static void *suspends(void *unused) {
    block_all();
    sigset_t but_usr2;
    sigfillset(&but_usr2);
    sigdelset(&but_usr2, SIGUSR2);
    while (!stop) {
        sigsuspend(&but_usr2);
        sigset_t blocked;
        pthread_sigmask(SIG_SETMASK, NULL, &blocked);
        if (!sigismember(&blocked, SIGUSR2) || !sigismember(&blocked, SIGINT)) is_wrong("mask after sigsuspend", 0);
    }
    return unused;
}
static void on_usr2(int signal) { (void)signal; }
static void on_usr1(int signal) { stop = signal; }
static void on_child(int signal) { is_wrong("SIGCHLD", signal); }
static void *computes(void *unused) {
    block_all();
    double x = 1;
    while (!stop) {
        double y = 1;
        for (int i = 1; i < 5000; i++) y = y * 1.0000001 + 1e-9 * i;
        if (x != 1 && y != x) is_wrong("floating point", 0);
        x = y;
    }
    return unused;
}
static void *allocates(void *unused) {
    block_all();
    unsigned state = (unsigned)(size_t)&state | 1;
    void *blocks[500] = {0};
    while (!stop) {
        for (int i = 0; i < 500; i++) {
            state = state * 1664525 + 1013904223;
            unsigned at = (state >> 8) % 500;
            if (state >> 31) {
                blocks[at] = realloc(blocks[at], 16 + (state >> 16) % 3000);
            } else {
                free(blocks[at]);
                blocks[at] = malloc(16 + (state >> 16) % 700);
            }
            if (blocks[at] == NULL) is_wrong("malloc", 0);
        }
    }
    for (int i = 0; i < 500; i++) free(blocks[i]);
    return unused;
}
__attribute__((noinline)) static void lose(int bytes) {
    char *volatile lost = malloc(bytes);
    memset(lost, 1, bytes);
    lost = NULL;
}
static void **kept;
__attribute__((noinline)) static void keep(void) {
    for (int i = 0; i < 20000; i++) {
        void **block = malloc(40);
        block[0] = kept;
        kept = block;
    }
}
int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    keep();
    for (int i = 0; i < 7; i++) lose(100);
    struct sigaction action = {.sa_handler = on_usr2, .sa_flags = SA_RESTART};
    sigaction(SIGUSR2, &action, NULL);
    action.sa_handler = on_usr1;
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = on_child;
    sigaction(SIGCHLD, &action, NULL);
    if (pipe(pipes) != 0) return 3;
    void *(*work[])(void *) = {sleeps, polls, epolls, futexes, reads, suspends, computes, allocates, allocates};
    enum { THREADS = sizeof work / sizeof *work };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work[i], NULL);
    printf("pid %d\nready\n", getpid());
    double end = now() + 60;
    long sent = 0;
    while (!stop && now() < end) {
        int status;
        errno = 0;
        long result = waitpid(-1, &status, __WALL | WNOHANG);
        if (result != -1 || errno != ECHILD) is_wrong("waitpid without children", result);
        long value = ++sent;
        if (write(pipes[1], &value, sizeof value) != sizeof value) is_wrong("write", 0);
        pthread_kill(threads[5], SIGUSR2);
        action.sa_handler = SIG_DFL;
        sigaction(SIGCHLD, &action, NULL);
        pid_t child = fork();
        if (child == 0) _exit(7);
        if (wait(&status) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7) is_wrong("wait", status);
        action.sa_handler = on_child;
        sigaction(SIGCHLD, &action, NULL);
        struct timespec t = {0, 3000000};
        nanosleep(&t, NULL);
    }
    stop = 1;
    close(pipes[1]);
    pthread_kill(threads[5], SIGUSR2);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("wrong %d\n", wrong);
    return wrong ? 4 : 5;
}
