/* Linked blocks of 48 bytes, all reachable, and then the end of the program.
 *
 * usage: linked lists|tree BLOCKS FILE
 *
 * `lists` are lists of a thousand blocks, allocated in turns; `tree` is a binary tree whose nodes are linked in random
 * order. The program writes to FILE how many seconds it took until then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LIST_BLOCKS = 1000 };

struct block {
    struct block *left, *right;
    char rest[32];
};

static struct block *root;
static struct block **heads;

static void build_lists(size_t blocks) {
    size_t lists = blocks / LIST_BLOCKS + 1;
    heads = calloc(lists, sizeof *heads);
    for (size_t i = 0; i < blocks; i++) {
        struct block *block = calloc(1, sizeof *block);
        block->left = heads[i % lists];
        heads[i % lists] = block;
    }
}

static void build_tree(size_t blocks) {
    struct block **all = malloc(blocks * sizeof *all);
    unsigned long state = 88172645463325252UL;
    for (size_t i = 0; i < blocks; i++) all[i] = calloc(1, sizeof **all);
    for (size_t i = blocks; 1 < i; i--) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        size_t other = state % i;
        struct block *block = all[i - 1];
        all[i - 1] = all[other], all[other] = block;
    }
    for (size_t child = 1; child < blocks; child++) {
        struct block *parent = all[(child - 1) / 2];
        *(child % 2 ? &parent->left : &parent->right) = all[child];
    }
    root = all[0];
    free(all);
}

int main(int words, char **word) {
    size_t blocks = words == 4 ? strtoul(word[2], NULL, 10) : 0;
    int is_tree = words == 4 && strcmp(word[1], "tree") == 0;
    if (blocks == 0 || (!is_tree && strcmp(word[1], "lists") != 0))
        return fprintf(stderr, "usage: linked lists|tree BLOCKS FILE\n"), 2;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    is_tree ? build_tree(blocks) : build_lists(blocks);
    clock_gettime(CLOCK_MONOTONIC, &end);
    FILE *file = fopen(word[3], "w");
    if (file == NULL) return 3;
    fprintf(file, "%.3f\n", end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9);
    fclose(file);
    return root == NULL && heads == NULL;
}
