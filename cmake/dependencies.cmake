# Every dependency, and why it is here. scripts/setup installs the Debian packages of the same list.
find_package(Threads REQUIRED)

# liburing: io_uring's queues and its system calls (liburing-dev). The library's only run-time dependency on Linux.
find_path(IOCPP_LIBURING_INCLUDE liburing.h REQUIRED)
find_library(IOCPP_LIBURING_LIBRARY uring REQUIRED)
add_library(iocpp_liburing INTERFACE)
target_include_directories(iocpp_liburing SYSTEM INTERFACE ${IOCPP_LIBURING_INCLUDE})
target_link_libraries(iocpp_liburing INTERFACE ${IOCPP_LIBURING_LIBRARY})

if(IOCPP_TOOLS)
  find_package(CLI11 REQUIRED)          # the command line's options and --help (libcli11-dev)
  find_package(nlohmann_json REQUIRED)  # --json (nlohmann-json3-dev)
endif()

if(IOCPP_TESTS)
  # GoogleTest is built from the sources that Debian ships (libgtest-dev), so that the sanitizers see it too.
  add_subdirectory(/usr/src/googletest ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
  foreach(target gtest gtest_main)
    if(NOT TARGET GTest::${target})
      add_library(GTest::${target} ALIAS ${target})
    endif()
  endforeach()
  include(GoogleTest)
endif()
