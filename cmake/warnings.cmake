# Warnings are errors in our own targets; a user's build that includes us keeps its own flags.
function(iocpp_warnings target)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
                           -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Werror)
  endif()
endfunction()
