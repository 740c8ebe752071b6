# Builds for 32-bit Windows with Debian's g++-mingw-w64-i686-posix. Without an emulator: it is compiled and linked only.
set(CMAKE_SYSTEM_PROCESSOR i686)
set(IOCPP_MINGW_TARGET i686-w64-mingw32)
include(${CMAKE_CURRENT_LIST_DIR}/mingw-w64.cmake)
