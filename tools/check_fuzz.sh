#!/bin/bash
# check_fuzz.sh [--no-build] - every fuzz target builds and replays its corpus without a finding.
#
# tests/fuzz/fuzz_x.c needs seeds in tests/fuzz/corpus/x/, and every corpus a target. Ends with
# `N passed, N failed`, counting targets. --no-build takes what stands in build-fuzz/.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0

fault() {
    echo "$1"
    failed=$((failed + 1))
}

if [ "${1:-}" != --no-build ]; then
    if ! output=$( (cmake --preset fuzz && cmake --build --preset fuzz -j "$(nproc)") 2>&1); then
        echo "$output"
        echo "0 passed, 1 failed"
        exit 1
    fi
fi

shopt -s nullglob
for source in tests/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    corpus=tests/fuzz/corpus/${target#fuzz_}
    seeds=("$corpus"/*)
    if [ ${#seeds[@]} -eq 0 ]; then
        fault "$source:1: no seed in $corpus/"
    elif [ ! -x "build-fuzz/$target" ]; then
        fault "$source:1: build-fuzz/$target was not built"
    elif ! output=$(timeout 120 "build-fuzz/$target" -runs=0 -timeout=10 -artifact_prefix=build-fuzz/ "$corpus" 2>&1); then
        fault "$source:1: fails on its own corpus"$'\n'"$output"
    else
        passed=$((passed + 1))
    fi
done
for corpus in tests/fuzz/corpus/*/; do
    name=$(basename "$corpus")
    [ -e "tests/fuzz/fuzz_$name.c" ] || fault "$corpus: no target tests/fuzz/fuzz_$name.c"
done
[ $((passed + failed)) -gt 0 ] || fault "tests/fuzz: no target"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
