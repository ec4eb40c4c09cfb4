# flags.cmake - language, warnings, optimisation, hardening and sanitizers; the same for every target.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or Sanitize" FORCE)
endif()
# assert() stays on everywhere: what is shipped is what was tested.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wswitch-enum -Wcast-qual -Wvla)

# Links live inside their items (base/list.h), and gcc 12 has been seen to keep a list's head in a register over
# list_remove(): a loop that empties a list never ended (docs/adr/0015-no-strict-aliasing.md).
add_compile_options(-fno-strict-aliasing)

# What __FILE__ says starts at the root, so that a failed CHECK reads alike wherever it was built.
add_compile_options("-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")

# By hand, since CMake would give the layers' archives -fPIC, which keeps gcc from inlining across functions.
add_compile_options(-fPIE)
add_link_options(-pie -Wl,--as-needed -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
if(NOT MPREG_SANITIZE)
    add_compile_options(-fstack-protector-strong)
endif()

if(MPREG_SANITIZE)
    add_compile_options(-fsanitize=${MPREG_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${MPREG_SANITIZE})
endif()
if(MPREG_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(NOT DEFINED CMAKE_C_COMPILER_LAUNCHER)
    find_program(CCACHE_PROGRAM ccache)
    mark_as_advanced(CCACHE_PROGRAM)
    if(CCACHE_PROGRAM)
        set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
    endif()
endif()

set(ipo_works FALSE)
if(MPREG_IPO)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT ipo_works OUTPUT ipo_reason LANGUAGES C)
    if(NOT ipo_works)
        message(STATUS "no whole-program optimisation with this compiler: ${ipo_reason}")
    endif()
endif()

# Code that a program is made of. gcc writes machine code beside its intermediate code ("fat" objects):
# the purity and globals checks read it, and the tests link it without paying for the optimiser again.
# While it writes both, gcc judges "maybe uninitialized" before it has inlined anything: heard, not obeyed.
function(flags_ipo_code target)
    if(NOT ipo_works)
        return()
    endif()
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE -flto=auto -ffat-lto-objects -Wno-error=maybe-uninitialized)
    else()
        set_property(TARGET ${target} PROPERTY INTERPROCEDURAL_OPTIMIZATION ON)
    endif()
endfunction()

function(flags_ipo_program target)
    flags_ipo_code(${target})
    if(ipo_works AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_link_options(${target} PRIVATE -flto=auto -O2)
    endif()
endfunction()

# clang's archives hold intermediate code alone, so its tests must be linked by the optimiser too.
function(flags_ipo_test target)
    if(ipo_works AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_link_options(${target} PRIVATE -fno-lto)
    else()
        flags_ipo_code(${target})
    endif()
endfunction()

# The layers that touch the system, and the programs. The pure layers go without _FORTIFY_SOURCE: it turns
# memcpy into __memcpy_chk, which the purity check refuses.
function(flags_system_code target)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        target_compile_options(${target} PRIVATE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
endfunction()
