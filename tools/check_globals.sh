#!/bin/sh
# check_globals.sh [ARCHIVE…] - the pure layers hold no mutable state outside of what is handed to them.
#
# Reads the archives of build/lib (gcc, release) unless others are named. Whatever lies in a writable section
# is a fault; .data.rel.ro is not: constant tables with pointers are there until the loader has filled them in.
set -eu
cd "$(dirname "$0")/.."

if [ $# -eq 0 ]; then
    for layer in base core node bridge; do
        [ ! -e "build/lib/lib$layer.a" ] || set -- "$@" "build/lib/lib$layer.a"
    done
fi
[ $# -gt 0 ] || { echo "globals: no archive in build/lib: build the release preset first" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
readelf -SsW "$@" >"$scratch/symbols" 2>"$scratch/errors" || true
awk '
    /^File: / { member = $2; delete section }
    /^ *\[ *[0-9]+\] / {
        line = $0; sub(/^ *\[ */, "", line); split(line, part, /[\] ]+/)
        section[part[1]] = part[2]
    }
    $1 ~ /^[0-9]+:$/ && NF == 8 {
        symbols++
        if ($4 != "OBJECT" && $4 != "TLS" && $4 != "COMMON") next
        name = $7 == "COM" ? "COMMON" : section[$7]
        if (name ~ /^\.data\.rel\.ro/) next
        if (name ~ /^(\.data|\.bss|\.tdata|\.tbss|COMMON)/) print member ": mutable global " $8 " in " name
    }
    END { if (symbols == 0) print "globals: no symbol found: is this a build by gcc?" }
    ' "$scratch/symbols" | sort >"$scratch/faults"
cat "$scratch/errors" >>"$scratch/faults"
[ ! -s "$scratch/faults" ] || { cat "$scratch/faults"; exit 1; }
echo "globals: ok ($# archives)"
