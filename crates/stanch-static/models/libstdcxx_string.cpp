// The members of std::string, which lie in the shared object of libstdc++, as code that the engine follows.
//
// The header has them all; it only asks compilers not to make them again. This asks to make them.
#include <string>

template class std::basic_string<char>;
