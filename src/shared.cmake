# The shared library. Its name has what its ABI holds for: before 1.0 a minor version may break it, a patch never does.
add_library(iocpp_shared SHARED $<TARGET_OBJECTS:iocpp_static>)
set_target_properties(iocpp_static PROPERTIES POSITION_INDEPENDENT_CODE ON)
set_target_properties(iocpp_shared PROPERTIES OUTPUT_NAME iocpp LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set_target_properties(iocpp_shared PROPERTIES SOVERSION 0.${PROJECT_VERSION_MINOR})
else()
  set_target_properties(iocpp_shared PROPERTIES SOVERSION ${PROJECT_VERSION_MAJOR})
endif()
target_include_directories(iocpp_shared PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
target_compile_features(iocpp_shared PUBLIC cxx_std_20)
target_link_libraries(iocpp_shared PRIVATE $<BUILD_INTERFACE:iocpp_system>)

if(WIN32)
  target_compile_definitions(iocpp_static PRIVATE IOCPP_EXPORT_FROM_DLL)
  target_compile_definitions(iocpp_shared INTERFACE IOCPP_EXPORT_IN_DLL)
else()
  # Nobody is to put a function of their own in place of ours: g++ may inline what the library shows. clang always does.
  target_compile_options(iocpp_static PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>)
  # The standard library's templates are visible by its own wish (<bits/c++config.h>): shared.map keeps ours back.
  target_link_options(iocpp_shared PRIVATE LINKER:--version-script=${CMAKE_CURRENT_SOURCE_DIR}/shared.map LINKER:-z,defs)
  set_target_properties(iocpp_shared PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/shared.map)
endif()
