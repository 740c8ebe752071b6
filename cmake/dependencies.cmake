# Every dependency, and why it is here. scripts/setup installs the Debian packages of the same list.
find_package(Threads REQUIRED)

# The system's own interface, for all that talks to it: the library, its tests, its tools.
add_library(iocpp_system INTERFACE)
target_link_libraries(iocpp_system INTERFACE Threads::Threads)

if(WIN32)
  # Winsock, and Winsock's extensions (AcceptEx), and the system calls beneath them. Windows 10's interface; its headers
  # without what is rarely used, and without the macros min and max.
  target_link_libraries(iocpp_system INTERFACE ws2_32 mswsock ntdll)
  target_compile_definitions(iocpp_system INTERFACE _WIN32_WINNT=0x0A00 WIN32_LEAN_AND_MEAN NOMINMAX)
else()
  # liburing: io_uring's queues and its system calls (liburing-dev). The library's only run-time dependency on Linux.
  find_path(IOCPP_LIBURING_INCLUDE liburing.h REQUIRED)
  find_library(IOCPP_LIBURING_LIBRARY uring REQUIRED)
  add_library(iocpp_liburing INTERFACE)
  target_include_directories(iocpp_liburing SYSTEM INTERFACE ${IOCPP_LIBURING_INCLUDE})
  target_link_libraries(iocpp_liburing INTERFACE ${IOCPP_LIBURING_LIBRARY})
  target_link_libraries(iocpp_system INTERFACE iocpp_liburing)
endif()

# A library without binaries, from the building system's own headers: a link to its folder alone is on the path, since
# /usr/include has the headers of another system.
function(iocpp_cross_headers target folder)
  set(path ${PROJECT_BINARY_DIR}/headers/${folder})
  file(MAKE_DIRECTORY ${path})
  file(CREATE_LINK /usr/include/${folder} ${path}/${folder} SYMBOLIC)
  add_library(${target} INTERFACE IMPORTED)
  target_include_directories(${target} SYSTEM INTERFACE ${path})
endfunction()

if(IOCPP_TOOLS OR IOCPP_MUTANTS)
  # CLI11: the command line's options and --help (libcli11-dev). nlohmann_json: --json (nlohmann-json3-dev).
  if(CMAKE_CROSSCOMPILING)
    iocpp_cross_headers(CLI11::CLI11 CLI)
    iocpp_cross_headers(nlohmann_json::nlohmann_json nlohmann)
  else()
    find_package(CLI11 REQUIRED)
    find_package(nlohmann_json REQUIRED)
  endif()
endif()

if(IOCPP_TESTS AND NOT IOCPP_MUTANTS)
  # GoogleTest is built from the sources that Debian ships (libgtest-dev), so that the sanitizers see it too.
  add_subdirectory(/usr/src/googletest ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
  foreach(target gtest gtest_main)
    if(NOT TARGET GTest::${target})
      add_library(GTest::${target} ALIAS ${target})
    endif()
  endforeach()
  include(GoogleTest)
endif()
