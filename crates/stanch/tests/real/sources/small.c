/* What the C compiler gets to compile. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *text = malloc(10);
    printf("%p\n", (void *)text);
    return 0;
}
