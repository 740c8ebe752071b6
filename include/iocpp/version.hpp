// The version of iocpp. Before 1.0 a minor version may change the API; a patch version never does.
#pragma once

/// Grows with what no longer compiles, from 1.0 on.
#define IOCPP_VERSION_MAJOR 0
/// Grows with each version that has something new.
#define IOCPP_VERSION_MINOR 1
/// Grows with corrections alone.
#define IOCPP_VERSION_PATCH 0
/// All of it, as text.
#define IOCPP_VERSION "0.1.0"
