// The least that an address-indexed ledger can cost: each hook passes the call on and writes one 8-byte slot of shared
// memory, that of the block's 32 bytes; a release reads it first. No stack, no counters.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

static uint64_t *slots;

__attribute__((constructor)) static void map_slots(void) {
    size_t bytes = (size_t)1 << 44; // slots for the lowest 64 TiB and the highest, folded together
    int file = memfd_create("slots", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)bytes) != 0) abort();
    void *mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    if (mapping == MAP_FAILED) abort();
    slots = mapping;
}

static inline uint64_t *slot_of(void *block) { return &slots[((uintptr_t)block >> 5) & (((uint64_t)1 << 41) - 1)]; }

static inline void *written_down(void *block, size_t bytes) {
    if (block && slots) *slot_of(block) = bytes << 16 | 1;
    return block;
}

static inline void released(void *block) {
    if (!block || !slots) return;
    uint64_t *slot = slot_of(block);
    if (*slot & 1) *slot &= ~(uint64_t)1;
}

void *malloc(size_t bytes) { return written_down(__libc_malloc(bytes), bytes); }
void *calloc(size_t count, size_t bytes) { return written_down(__libc_calloc(count, bytes), count * bytes); }

void *realloc(void *block, size_t bytes) {
    released(block);
    return written_down(__libc_realloc(block, bytes), bytes);
}

void free(void *block) {
    released(block);
    __libc_free(block);
}
