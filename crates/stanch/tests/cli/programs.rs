//! The programs that tests record. Each is compiled as `app`, so that `findings` knows their frames.

/// Loses 26 bytes in 2 blocks, with 6 bytes that hang on one of them, keeps 40, and ends with status 3.
pub(crate) const LEAKS: &str = r#"
#include <stdlib.h>
#include <string.h>
struct entry { char *name; long value; };
static void *kept;
__attribute__((noinline)) static void lose_tree(void) {
    struct entry *entry = malloc(sizeof *entry);
    entry->name = strdup("hello");
    entry->value = 1;
}
__attribute__((noinline)) static void lose_block(void) { *(volatile char *)malloc(10) = 1; }
__attribute__((noinline)) static void keep(void) { kept = malloc(40); }
int main(void) { lose_tree(); lose_block(); keep(); return kept ? 3 : 4; }
"#;

/// Ends as its first argument says: a status, or `-` and a signal.
pub(crate) const ENDS: &str = r#"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **words) {
    (void)count;
    int number = atoi(words[1]);
    if (0 <= number) return number;
    kill(getpid(), -number);
    pause();
    return 0;
}
"#;

/// Loses 70 bytes, keeps 50, says `ready` and its process id, then waits for a signal to end: on SIGUSR1 it frees what
/// it kept and ends with status 5, on SIGTERM and SIGINT with 6 and 7.
pub(crate) const WAITS: &str = r#"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *kept;
static volatile sig_atomic_t got;
static void note(int number) { got = number; }
__attribute__((noinline)) static void lose(void) { *(volatile char *)malloc(70) = 1; }
__attribute__((noinline)) static void keep(void) { kept = malloc(50); }
int main(void) {
    int numbers[] = {SIGUSR1, SIGTERM, SIGINT};
    for (int i = 0; i < 3; i++) signal(numbers[i], note);
    lose();
    keep();
    printf("pid %d\nready\n", (int)getpid());
    fflush(stdout);
    while (!got) usleep(1000);
    free(kept);
    return got == SIGUSR1 ? 5 : got == SIGTERM ? 6 : 7;
}
"#;

/// Starts a child that loses 33 bytes, and loses 44 itself.
pub(crate) const FORKS: &str = r#"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
__attribute__((noinline)) static void lose_in_child(void) { *(volatile char *)malloc(33) = 1; }
__attribute__((noinline)) static void lose_in_parent(void) { *(volatile char *)malloc(44) = 1; }
int main(void) {
    pid_t child = fork();
    if (child == 0) { lose_in_child(); exit(0); }
    int status = 0;
    waitpid(child, &status, 0);
    lose_in_parent();
    return 0;
}
"#;

/// Becomes a daemon and loses 77 bytes.
pub(crate) const DAEMON: &str = r#"
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <unistd.h>
__attribute__((noinline)) static void lose(void) { *(volatile char *)malloc(77) = 1; }
int main(void) {
    if (daemon(1, 1)) return 9;
    usleep(2500000);
    lose();
    return 0;
}
"#;

/// Leaves a child behind that keeps 55 bytes until it is told to end.
pub(crate) const LEAVES_CHILD: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *kept;
int main(void) {
    int ends[2];
    if (pipe(ends)) return 9;
    if (fork() == 0) {
        kept = malloc(55);
        if (write(ends[1], "x", 1) != 1) return 8;
        sleep(600);
        return kept == 0;
    }
    char word;
    return read(ends[0], &word, 1) == 1 ? 0 : 7;
}
"#;

/// Prints its arguments, one a line, as they are.
pub(crate) const ECHO: &str = r#"
#include <stdio.h>
int main(int count, char **words) {
    for (int i = 1; i < count; i++) puts(words[i]);
    return 0;
}
"#;

/// Keeps blocks of all sizes, made in four ways by three threads, and frees as many. Says `ready`; with an argument it
/// then waits for a signal.
pub(crate) const KEEPS: &str = r#"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *kept[3][20000];
__attribute__((noinline)) static void *small(void) { return malloc(48); }
__attribute__((noinline)) static void *middle(void) { return realloc(calloc(5, 600), 5000); }
__attribute__((noinline)) static void *large(void) { return aligned_alloc(64, 400 << 10); }
static void *work(void *argument) {
    void **mine = argument;
    for (int i = 0; i < 20000; i++) {
        free(small());
        mine[i] = small();
        if (i % 200 == 0) { free(middle()); mine[i + 1] = (free(mine[i]), mine[i] = NULL, middle()); i++; }
        if (i % 5000 == 4999) { free(large()); free(mine[i]); mine[i] = large(); }
    }
    return NULL;
}
int main(int count, char **words) {
    (void)words;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, kept[i]);
    work(kept[2]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("pid %d\nready\n", (int)getpid());
    fflush(stdout);
    if (count > 1) pause();
    return 0;
}
"#;
