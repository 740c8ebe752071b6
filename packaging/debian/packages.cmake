# libiocpp0.1, libiocpp-dev, iocpp-tools (Debian Policy 8.1: the library's package is named after its soname).
get_target_property(soversion iocpp_shared SOVERSION)
set(debian_packages runtime dev tools)
set(runtime_name libiocpp${soversion})
set(dev_name libiocpp-dev)
set(tools_name iocpp-tools)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL "")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SOURCE iocpp)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
# Policy 8.1.1. CPack calls ldconfig from scripts of its own besides, which does no harm.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/triggers)
# Each has a summary of its own, its first line; false keeps CPack from putting a common one before it.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY IGNORE)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DESCRIPTION "TCP server library for C++20 on completion ports
iocpp serves TCP and Unix sockets by io_uring, or by epoll where io_uring is
barred. Whatever the outcome of an accept, it keeps accepting.

This package has the shared library.")

set(CPACK_DEBIAN_DEV_PACKAGE_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_PACKAGE_DEPENDS "${runtime_name} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), liburing-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_DESCRIPTION "TCP server library for C++20 on completion ports (development files)
Headers, the static library, the simulator for tests of handlers, and files for
CMake and pkg-config.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DESCRIPTION "TCP server, load client and simulator of iocpp
iocpp serve is an echo, discard or character-generating server; iocpp stress
tries servers with storms of connections, load, and clients that are slow;
iocpp simulate runs the server over a simulated kernel and network, by a seed.")

# A file as Debian wants it: compressed, and the same bytes for the same input (gzip -n).
function(debian_compressed source name)
  find_program(IOCPP_GZIP gzip REQUIRED)
  execute_process(COMMAND ${IOCPP_GZIP} -9nc ${source}
    OUTPUT_FILE ${CMAKE_CURRENT_BINARY_DIR}/${name} COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
endfunction()
debian_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog.gz)
debian_compressed(${CMAKE_CURRENT_LIST_DIR}/changelog changelog.Debian.gz)
debian_compressed(${CMAKE_CURRENT_LIST_DIR}/iocpp.1 iocpp.1.gz)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/iocpp.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
  COMPONENT tools_debian EXCLUDE_FROM_ALL)

foreach(package IN LISTS debian_packages)
  string(TOUPPER ${package} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_PACKAGE_NAME ${${package}_name})
  set(folder ${CMAKE_INSTALL_DATAROOTDIR}/doc/${${package}_name})
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/copyright ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
    ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian.gz
    DESTINATION ${folder} COMPONENT ${package}_debian EXCLUDE_FROM_ALL)
  list(APPEND CPACK_COMPONENTS_ALL ${package} ${package}_debian)
endforeach()
