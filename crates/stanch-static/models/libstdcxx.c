/* What the shared object of libstdc++ does to the nodes of containers and to threads, as code that the engine follows.
 *
 * Functions have their mangled names. Trees are not balanced: who owns what does not depend on it. Layouts are those of
 * bits/stl_tree.h and bits/stl_list.h, which are part of the library's binary interface.
 */
# 1 "libstdc++"

struct tree_node {
    int color; /* 0 for the header alone, by which it is known */
    struct tree_node *parent, *left, *right;
};

static struct tree_node *next_node(struct tree_node *node)
{
    if (node->right) {
        node = node->right;
        while (node->left)
            node = node->left;
        return node;
    }
    struct tree_node *above = node->parent;
    while (node == above->right) {
        node = above;
        above = above->parent;
    }
    /* At the header's only child both are one. */
    return node->right != above ? above : node;
}

static struct tree_node *previous_node(struct tree_node *node)
{
    if (node->color == 0 && node->parent->parent == node)
        return node->right;
    if (node->left) {
        node = node->left;
        while (node->right)
            node = node->right;
        return node;
    }
    struct tree_node *above = node->parent;
    while (node == above->left) {
        node = above;
        above = above->parent;
    }
    return above;
}

struct tree_node *_ZSt18_Rb_tree_incrementPSt18_Rb_tree_node_base(struct tree_node *node)
{
    return next_node(node);
}

const struct tree_node *_ZSt18_Rb_tree_incrementPKSt18_Rb_tree_node_base(const struct tree_node *node)
{
    return next_node((struct tree_node *)node);
}

struct tree_node *_ZSt18_Rb_tree_decrementPSt18_Rb_tree_node_base(struct tree_node *node)
{
    return previous_node(node);
}

const struct tree_node *_ZSt18_Rb_tree_decrementPKSt18_Rb_tree_node_base(const struct tree_node *node)
{
    return previous_node((struct tree_node *)node);
}

void _ZSt29_Rb_tree_insert_and_rebalancebPSt18_Rb_tree_node_baseS0_RS_(_Bool is_left, struct tree_node *node,
                                                                       struct tree_node *above,
                                                                       struct tree_node *header)
{
    node->color = 1;
    node->parent = above;
    node->left = 0;
    node->right = 0;
    if (is_left) {
        above->left = node;
        if (above == header) {
            header->parent = node;
            header->right = node;
        } else if (above == header->left) {
            header->left = node;
        }
    } else {
        above->right = node;
        if (above == header->right)
            header->right = node;
    }
}

static void replace_child(struct tree_node *old, struct tree_node *new, struct tree_node *header)
{
    if (header->parent == old)
        header->parent = new;
    else if (old->parent->left == old)
        old->parent->left = new;
    else
        old->parent->right = new;
    if (new)
        new->parent = old->parent;
}

struct tree_node *_ZSt28_Rb_tree_rebalance_for_erasePSt18_Rb_tree_node_baseRS_(struct tree_node *node,
                                                                               struct tree_node *header)
{
    if (node == header->left)
        header->left = next_node(node);
    if (node == header->right)
        header->right = node->left || node->parent != header ? previous_node(node) : header;
    if (!node->left) {
        replace_child(node, node->right, header);
    } else if (!node->right) {
        replace_child(node, node->left, header);
    } else {
        struct tree_node *heir = node->right;
        while (heir->left)
            heir = heir->left;
        replace_child(heir, heir->right, header);
        heir->left = node->left;
        heir->left->parent = heir;
        heir->right = node->right;
        if (heir->right)
            heir->right->parent = heir;
        replace_child(node, heir, header);
    }
    return node;
}

struct list_node {
    struct list_node *next, *previous;
};

void _ZNSt8__detail15_List_node_base7_M_hookEPS0_(struct list_node *node, struct list_node *position)
{
    node->next = position;
    node->previous = position->previous;
    position->previous->next = node;
    position->previous = node;
}

void _ZNSt8__detail15_List_node_base9_M_unhookEv(struct list_node *node)
{
    node->next->previous = node->previous;
    node->previous->next = node->next;
}

/* Moves the nodes from `first` to before `last` in front of `position`. */
void _ZNSt8__detail15_List_node_base11_M_transferEPS0_S1_(struct list_node *position, struct list_node *first,
                                                          struct list_node *last)
{
    if (position == last)
        return;
    struct list_node *final = last->previous, *before = first->previous, *ahead = position->previous;
    before->next = last;
    last->previous = before;
    ahead->next = first;
    first->previous = ahead;
    final->next = position;
    position->previous = final;
}

void _ZNSt8__detail15_List_node_base10_M_reverseEv(struct list_node *list)
{
    struct list_node *node = list;
    do {
        struct list_node *next = node->next;
        node->next = node->previous;
        node->previous = next;
        node = next;
    } while (node != list);
}

static void adopt(struct list_node *list)
{
    list->next->previous = list;
    list->previous->next = list;
}

void _ZNSt8__detail15_List_node_base4swapERS0_S1_(struct list_node *one, struct list_node *other)
{
    struct list_node first = *one, second = *other;
    _Bool is_first_empty = first.next == one, is_second_empty = second.next == other;
    if (is_second_empty) {
        one->next = one->previous = one;
    } else {
        *one = second;
        adopt(one);
    }
    if (is_first_empty) {
        other->next = other->previous = other;
    } else {
        *other = first;
        adopt(other);
    }
}

/* Tables by hash stay as large as they are. */
struct rehash {
    _Bool is_needed;
    unsigned long buckets;
};

struct rehash _ZNKSt8__detail20_Prime_rehash_policy14_M_need_rehashEmmm(const void *policy, unsigned long buckets,
                                                                       unsigned long elements, unsigned long more)
{
    struct rehash none = {0, 0};
    return none;
}

/* A thread runs a state that it owns: two destructors, then the function to run, in the table of virtual functions.
 * It may be over before anything else happens, or go on beyond what is seen of it. */
struct thread_state {
    void (**functions)(struct thread_state *);
};

extern void stanch_keep(void *);
extern int stanch_any(void);

void _ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(unsigned long *thread,
                                                                                           struct thread_state **owner,
                                                                                           void (*unused)(void))
{
    struct thread_state *state = *owner;
    *owner = 0;
    *thread = 1;
    if (stanch_any()) {
        state->functions[2](state);
        state->functions[1](state);
    } else {
        stanch_keep(state);
    }
}

void _ZNSt6thread4joinEv(unsigned long *thread)
{
    *thread = 0;
}

void _ZNSt6thread6detachEv(unsigned long *thread)
{
    *thread = 0;
}

/* Whether a program has one thread makes no difference to who owns what. */
char __libc_single_threaded = 1;

extern __thread void (*_ZSt11__once_call)(void);

void __once_proxy(void)
{
    _ZSt11__once_call();
}
