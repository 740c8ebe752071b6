# What both mingw-w64 toolchains share. The caller has set IOCPP_MINGW_TARGET.
set(CMAKE_SYSTEM_NAME Windows)
# The posix variants: libstdc++'s std::thread, std::mutex and std::condition_variable are missing in the win32 ones.
set(CMAKE_C_COMPILER ${IOCPP_MINGW_TARGET}-gcc-posix)
set(CMAKE_CXX_COMPILER ${IOCPP_MINGW_TARGET}-g++-posix)
set(CMAKE_RC_COMPILER ${IOCPP_MINGW_TARGET}-windres)

# Nothing of the building system's may be found but its programs.
set(CMAKE_FIND_ROOT_PATH /usr/${IOCPP_MINGW_TARGET})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# A program that runs anywhere: the compiler's own libraries are in it, and not DLLs beside it.
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
