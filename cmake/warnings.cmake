# Warnings are shown for our own targets; a user's build that includes us keeps its own flags. With IOCPP_WERROR they are errors:
# not for who installs from sources, since each compiler and each -O finds others (g++ 12 at -O3: -Wrestrict).
function(iocpp_warnings target)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
                           -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast $<$<BOOL:${IOCPP_WERROR}>:-Werror>)
    # Programs count in 64 bits and index by the counts, all of them small; on a 32-bit system that is a conversion. The
    # library has none.
    if(CMAKE_SIZEOF_VOID_P EQUAL 4 AND NOT target STREQUAL "iocpp_static")
      target_compile_options(${target} PRIVATE -Wno-conversion)
    endif()
  endif()
endfunction()
