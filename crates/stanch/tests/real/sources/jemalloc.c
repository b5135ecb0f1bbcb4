/* Threads whose first act is an allocation, with jemalloc behind malloc. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The first thing that the thread does is to allocate: jemalloc maps memory with its locks held. */
static void *work(void *argument) {
    for (int i = 0; i < 1000; i++) {
        void *volatile block = malloc(100 + i * 50);
        free(block);
    }
    return argument;
}

int main(void) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    puts("done");
}
