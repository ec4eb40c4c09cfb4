# libraries.cmake - the system's libraries, by pkg-config. Which file may use which of them is law of
# tools/layers.txt.
find_package(PkgConfig REQUIRED)

function(require_library target module)
    pkg_check_modules(${target} IMPORTED_TARGET GLOBAL ${module})
    if(NOT ${target}_FOUND)
        message(FATAL_ERROR "${module} is missing: run script/bootstrap, which installs what the build needs")
    endif()
endfunction()

require_library(libuv libuv>=1.44)
require_library(libwebsockets libwebsockets>=4.1)
require_library(openssl openssl>=3.0)
require_library(jansson jansson>=2.14)
require_library(yaml yaml-0.1>=0.2)
require_library(libcurl libcurl>=7.88)
