#include "bug.hpp"

extern const Bug built_in{"", ""};
