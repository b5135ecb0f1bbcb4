//! Exception classes whose type information lies in the C++ library, with their base.

const BASES: &[(&str, &str)] = &[
    ("_ZTISt11logic_error", "_ZTISt9exception"),
    ("_ZTISt16invalid_argument", "_ZTISt11logic_error"),
    ("_ZTISt12domain_error", "_ZTISt11logic_error"),
    ("_ZTISt12length_error", "_ZTISt11logic_error"),
    ("_ZTISt12out_of_range", "_ZTISt11logic_error"),
    ("_ZTISt12future_error", "_ZTISt11logic_error"),
    ("_ZTISt13runtime_error", "_ZTISt9exception"),
    ("_ZTISt11range_error", "_ZTISt13runtime_error"),
    ("_ZTISt14overflow_error", "_ZTISt13runtime_error"),
    ("_ZTISt15underflow_error", "_ZTISt13runtime_error"),
    ("_ZTISt11regex_error", "_ZTISt13runtime_error"),
    ("_ZTISt12system_error", "_ZTISt13runtime_error"),
    ("_ZTINSt8ios_base7failureB5cxx11E", "_ZTISt12system_error"),
    ("_ZTINSt10filesystem7__cxx1116filesystem_errorE", "_ZTISt12system_error"),
    ("_ZTISt9bad_alloc", "_ZTISt9exception"),
    ("_ZTISt20bad_array_new_length", "_ZTISt9bad_alloc"),
    ("_ZTISt8bad_cast", "_ZTISt9exception"),
    ("_ZTISt12bad_any_cast", "_ZTISt8bad_cast"),
    ("_ZTISt10bad_typeid", "_ZTISt9exception"),
    ("_ZTISt13bad_exception", "_ZTISt9exception"),
    ("_ZTISt17bad_function_call", "_ZTISt9exception"),
    ("_ZTISt12bad_weak_ptr", "_ZTISt9exception"),
    ("_ZTISt18bad_variant_access", "_ZTISt9exception"),
    ("_ZTISt19bad_optional_access", "_ZTISt9exception"),
];

/// The base of a class of the C++ library.
pub(super) fn standard_base(symbol: &str) -> Option<&'static str> {
    BASES.iter().find(|(class, _)| *class == symbol).map(|(_, base)| *base)
}
