// The version of iocpp. Before 1.0 a minor version may change the API; a patch version never does.
#pragma once

#define IOCPP_VERSION_MAJOR 0
#define IOCPP_VERSION_MINOR 1
#define IOCPP_VERSION_PATCH 0
#define IOCPP_VERSION "0.1.0"
