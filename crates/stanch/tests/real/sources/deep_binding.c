/* Blocks that a library loaded with RTLD_DEEPBIND releases past a preloaded `free`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW | RTLD_DEEPBIND);
    void (*release)(void *) = plugin ? (void (*)(void *))dlsym(plugin, "release") : NULL;
    if (!release)
        return 1;
    /* Released by the plugin, whose `free` is the C library's and not a preloaded one. */
    static void *blocks[40];
    for (int i = 0; i < 40; i++)
        blocks[i] = malloc(16);
    for (int i = 0; i < 40; i++) {
        release(blocks[i]);
        blocks[i] = NULL;
    }
    puts("done");
}
