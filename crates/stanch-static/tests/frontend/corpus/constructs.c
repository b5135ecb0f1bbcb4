/* One of each: what clang makes of C. The files `c.<version>.O<level>.ll.zst` are its LLVM IR. */
typedef unsigned long size_t;
typedef __builtin_va_list va_list;
void *malloc(size_t);
void *calloc(size_t, size_t);
void free(void *);
void abort(void) __attribute__((noreturn));
int printf(const char *, ...);
int _setjmp(void *) __attribute__((returns_twice));

struct point {
    char tag;
    int *data;
    union {
        long number;
        char *text;
    } u;
    unsigned low : 3, high : 5;
};
struct pair {
    long a, b;
};
struct big {
    long a[5];
};
struct __attribute__((packed)) tight {
    char c;
    long l;
};

static struct point table[2] = {{'a', 0, {.text = "hello"}, 1, 2}};
static const char *const names[] = {"zero", "one", "two"};
int (*callback)(const char *, ...) = printf;
int (*callbacks[2])(const char *, ...) = {printf};
_Thread_local int counter;
extern int outside;
__attribute__((weak)) int weak_one(void) { return 1; }
int other_name(void) __attribute__((alias("weak_one")));
static long jump_buffer[32];
struct tight packed = {1, 2};
double pi = 3.5;
long double wide = 2.25L;
static int *inside = (int *)((char *)&table[1] + 12);
__attribute__((constructor(200))) static void at_start(void) { counter = 1; }
__attribute__((destructor)) static void at_end(void) { counter = 0; }

struct pair make(struct pair x, struct big b, const struct point *p) {
    x.a += b.a[2] + p->tag;
    return x;
}
struct big make_big(int n) {
    struct big b = {{n}};
    return b;
}
int sum(int n, ...) {
    va_list list, copy;
    __builtin_va_start(list, n);
    __builtin_va_copy(copy, list);
    int total = 0;
    while (n--) total += __builtin_va_arg(list, int);
    __builtin_va_end(copy);
    __builtin_va_end(list);
    return total;
}
int numbers(int a, unsigned b, float f, double d) {
    int overflow;
    if (__builtin_add_overflow(a, (int)b, &overflow)) abort();
    if (__builtin_mul_overflow(b, 3u, &b)) abort();
    __int128 product = (__int128)a * b;
    long double l = d / f;
    _Complex double z = d;
    z *= z;
    a = __builtin_expect(a, 1) + __builtin_popcount(b) + __builtin_clz(b | 1);
    a += __builtin_constant_p(a) + (int)__builtin_object_size(&a, 0);
    return (int)(product >> 64) + (int)l + -(int)d + (a < 3 ? ~a : a % 7) + (d < f) + (int)z;
}
int atomics(int *p, long *q) {
    int expected = 3;
    int old = __atomic_fetch_add(p, 1, 5) + __atomic_exchange_n(p, 2, 5);
    __atomic_compare_exchange_n(p, &expected, 4, 0, 5, 5);
    __atomic_thread_fence(5);
    __atomic_fetch_max(q, 5l, 0);
    return old + __atomic_load_n(p, 0);
}
typedef int lanes __attribute__((vector_size(16)));
lanes vectors(lanes a, lanes b, int i) {
    lanes c = __builtin_shufflevector(a, b, 0, 5, 2, -1);
    c[i] = a[1];
    c[3] += b[i];
    return ((a < b) & (a + c)) | b;
}
int main(int argc, char **argv) {
    struct point *p = malloc(sizeof *p);
    if (!p) return 1;
    p->data = calloc(3, sizeof(int));
    switch (argc) {
    case 1: free(p->data); break;
    case 5:
    case 7: goto out;
    case -3 ... - 1: argc++; break;
    default: callback("%d %s\n", argc, names[argc & 1]);
    }
    static void *labels[] = {&&first, &&second};
    goto *labels[argc & 1];
first : {
    char buffer[argc];
    __builtin_memset(buffer, 0, argc);
    struct big b = make_big(3);
    struct pair s = make((struct pair){1, 2}, b, p);
    table[1] = *p;
    if (_setjmp(jump_buffer)) return s.a;
}
second:;
    int q = atomics(&table[0].data[0], &p->u.number);
    __asm__ volatile("nop" : "+r"(q)::"memory");
    __asm__ goto("" : : "r"(q) : : out);
    packed.l = counter + outside + other_name() + (inside == 0);
    lanes v = {1, 2, 3, 4};
    v = vectors(v, v, argc);
out:
    free(p);
    return sum(2, 1, 2) + numbers(q, argc, 1, pi) + v[0] + (argv[0] - argv[1]) + (int)wide;
}
