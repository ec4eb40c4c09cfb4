#!/bin/sh
# check_headers.sh - each header of src/ compiles alone, and twice, with every compiler that is here.
#
# A header of a pure layer does so without _GNU_SOURCE. CC_LIST names other compilers.
set -eu
cd "$(dirname "$0")/.."
compilers=${CC_LIST:-gcc clang}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/host"
sed 's/@[A-Za-z_]*@//g' cmake/build_info.h.in >"$scratch/host/build_info.h"

cat >"$scratch/flags" <<END
-std=c17 -fsyntax-only -Isrc -I$scratch -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
-Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wcast-qual -Wvla -Werror
$(pkg-config --cflags libuv libwebsockets openssl jansson yaml-0.1 libcurl 2>/dev/null || true)
END

find src -name '*.h' | sort >"$scratch/headers"
while read -r header; do
    name=${header#src/}
    unit=$scratch/$(echo "$name" | tr / _).c
    printf '#include "%s"\n#include "%s"\n' "$name" "$name" >"$unit"
    case $name in
    base/* | core/* | node/* | bridge/*) define= ;;
    *) define=-D_GNU_SOURCE ;;
    esac
    for compiler in $compilers; do
        echo "$header $compiler $define $unit"
    done
done <"$scratch/headers" >"$scratch/jobs"

# shellcheck disable=SC2016 # the inner shell expands these
xargs -P "$(nproc)" -L 1 sh -c '
    flags=$1 header=$2 compiler=$3
    shift 3
    output=$("$compiler" "@$flags" "$@" 2>&1) && exit 0
    printf "%s: does not compile alone with %s\n%s\n" "$header" "$compiler" "$output"
    exit 1' sh "$scratch/flags" <"$scratch/jobs" || exit 1
echo "headers: ok ($(wc -l <"$scratch/headers") headers with $compilers)"
