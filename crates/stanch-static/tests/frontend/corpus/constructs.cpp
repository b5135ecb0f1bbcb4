// One of each: what clang makes of C++. The files `cpp.<version>.O<level>.ll.zst` are its LLVM IR.
typedef decltype(sizeof 0) size_t;
void *operator new(size_t);
void *operator new[](size_t);
void operator delete(void *) noexcept;
void operator delete(void *, size_t) noexcept;
void operator delete[](void *) noexcept;
namespace std { class type_info; }

namespace shapes {
struct base {
    virtual ~base() {}
    virtual int area(const char *name) const = 0;
    int *data = nullptr;
};
struct left : virtual base {
    int area(const char *name) const override { return name ? *name : throw 5; }
};
struct right : virtual base {
    left *other = new left;
    ~right() override { delete other; }
    int area(const char *) const override { return 2; }
};
struct both : left, right {
    int area(const char *name) const override { return left::area(name) + 1; }
};
}  // namespace shapes

template <typename T> struct holder {
    T *one;
    explicit holder(T *p) : one(p) {}
    holder(holder &&from) noexcept : one(from.one) { from.one = nullptr; }
    ~holder() { delete one; }
    T *operator->() const { return one; }
};

struct failure {
    int code;
};
int may_throw(const shapes::base &, int *&out);
int never_throws(int) noexcept;
static shapes::base *global;
holder<shapes::both> with_constructor(new shapes::both);
thread_local holder<int> of_thread(new int(3));

holder<int> returned(int n) { return holder<int>(new int(n)); }

static int guarded() {
    static holder<int> once(new int(1));
    return *once.one;
}

int handlers(int n) {
    try {
        holder<shapes::both> h(new shapes::both);
        int *out;
        return may_throw(*h.one, out) + h->area("x");
    } catch (const failure &f) {
        return f.code;
    } catch (int) {
        if (n) throw;
    } catch (...) {
        global = new shapes::left;
    }
    return 0;
}

struct member {
    int field = 1;
    int method(int x) { return field + x; }
    virtual int dynamic(int x) { return x; }
};
int members(member *m, int member::*f, int (member::*g)(int)) { return m->*f + (m->*g)(2); }

int arrays(int n) {
    auto *many = new holder<int> *[n];
    auto *objects = new shapes::left[3];
    shapes::base *b = objects;
    if (auto *r = dynamic_cast<shapes::right *>(b)) delete r;
    delete[] objects;
    delete[] many;
    auto add = [n, &b](int x) { return b ? x + n : x; };
    return add(1) + guarded();
}

int main(int argc, char **) {
    holder<int> moved(returned(argc));
    int r = handlers(argc) + arrays(argc) + *of_thread.one + *moved.one;
    member m;
    return r + members(&m, &member::field, argc > 1 ? &member::method : &member::dynamic) + never_throws(r);
}
