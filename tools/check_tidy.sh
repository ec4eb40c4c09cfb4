#!/bin/bash
# check_tidy.sh [SECONDS] - clang-tidy over src/, the latest changes first, for at most SECONDS (0: all of it).
#
# A file found clean is not looked at again until it, a header it includes or .clang-tidy changes: like ccache,
# this is remembered in the user's cache folder.
set -u
cd "$(dirname "$0")/.." || exit 1
budget=${1:-0}
flags=(-std=c17 -D_GNU_SOURCE -Isrc -Ibuild/generated)
memory=${XDG_CACHE_HOME:-${HOME:-$PWD/build}/.cache}/mpreg-bridge/tidy
export memory
mkdir -p "$memory" build/generated/host
[ -e build/generated/host/build_info.h ] ||
    sed 's/@[A-Za-z_]*@//g' cmake/build_info.h.in >build/generated/host/build_info.h

# Paths of src/**/*.c: not committed yet, then by the last commits, then the others.
sources_by_age() {
    if [ -e .git ] && command -v git >/dev/null 2>&1; then
        git -c safe.directory='*' status --porcelain --untracked-files=all -- src 2>/dev/null | cut -c4-
        git -c safe.directory='*' log -20 --name-only --format= -- src 2>/dev/null
    fi
    find src -name '*.c' | sort
}

# What the verdict on $1 depends on, as one name.
fingerprint() {
    local parts
    parts=$(clang -MM "${flags[@]}" "$1" 2>/dev/null | tr -d '\\\n' | cut -d: -f2-) || return 1
    # shellcheck disable=SC2086 # a list of files
    { clang-tidy --version; cat .clang-tidy $parts; } | sha256sum | cut -d' ' -f1
}

judge() {
    local key output
    [ "$deadline" -eq 0 ] || [ "$(date +%s)" -lt "$deadline" ] || return 0
    key=$(fingerprint "$1")
    if [ -n "$key" ] && [ -e "$memory/$key" ]; then
        echo "$1" >>"$scratch/seen"
        return 0
    fi
    output=$(clang-tidy --quiet "$1" -- "${flags[@]}" 2>/dev/null)
    local verdict=$?
    echo "$1" >>"$scratch/seen"
    if [ $verdict -ne 0 ]; then
        echo "${output:-$1: clang-tidy failed}"
        return 1
    fi
    [ -z "$key" ] || : >"$memory/$key"
}

# The other half of this script: one file in a process of its own, so that xargs can run several.
if [ "${TIDY_ONE:-}" = yes ]; then
    judge "$2"
    exit
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
find "$memory" -type f -mtime +30 -delete
deadline=0
[ "$budget" -eq 0 ] || deadline=$(($(date +%s) + budget))
export scratch deadline TIDY_ONE=yes
sources_by_age | grep '\.c$' | awk '!seen[$0]++' | while read -r source; do
    [ ! -e "$source" ] || echo "$source"
done >"$scratch/sources"
: >"$scratch/seen"

if ! xargs -P "$(nproc)" -n 1 tools/check_tidy.sh "$budget" <"$scratch/sources" >"$scratch/faults"; then
    # A fault in a header is found once for each file that includes it.
    sed "s,^$PWD/,," "$scratch/faults" | grep -E ': error: |clang-tidy failed' | sort -u
    echo "for what led there: clang-tidy FILE -- ${flags[*]}"
    exit 1
fi
total=$(wc -l <"$scratch/sources")
seen=$(wc -l <"$scratch/seen")
[ "$seen" -gt 0 ] || [ "$total" -eq 0 ] || { echo "tidy: not one of $total files within $budget s"; exit 1; }
echo "tidy: ok ($seen of $total files)"
