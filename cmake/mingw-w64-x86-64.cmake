# Builds for 64-bit Windows with Debian's g++-mingw-w64-x86-64-posix; what was built runs in Wine.
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(IOCPP_MINGW_TARGET x86_64-w64-mingw32)
include(${CMAKE_CURRENT_LIST_DIR}/mingw-w64.cmake)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/../scripts/wine)
