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
    for (int i = 0; i < 40; i++)
        release(malloc(5000 + i * 64));
    puts("done");
}
