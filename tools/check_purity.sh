#!/bin/sh
# check_purity.sh [ARCHIVE…] - the pure layers call nothing of the system but what stands here.
#
# Reads the archives of build/lib (gcc, release) unless others are named. A symbol that one of them defines
# is not foreign, so give all of them at once. The allocator's door is base/mem.c alone.
set -eu
cd "$(dirname "$0")/.."
anyone='memcpy memmove memset memcmp memchr strlen check_failed __stack_chk_fail _GLOBAL_OFFSET_TABLE_'
mem='malloc calloc realloc free'

if [ $# -eq 0 ]; then
    for layer in base core node bridge; do
        [ ! -e "build/lib/lib$layer.a" ] || set -- "$@" "build/lib/lib$layer.a"
    done
fi
[ $# -gt 0 ] || { echo "purity: no archive in build/lib: build the release preset first" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# readelf and not nm: nm would read the compiler's intermediate code where there is some.
readelf -sW "$@" >"$scratch/symbols" 2>"$scratch/errors" || true
awk -v anyone="$anyone" -v mem="$mem" '
    BEGIN {
        count = split(anyone, names); for (i = 1; i <= count; i++) allowed[names[i]] = 1
        count = split(mem, names); for (i = 1; i <= count; i++) allocator[names[i]] = 1
    }
    /^File: / { member = $2 }
    $1 ~ /^[0-9]+:$/ && NF == 8 {
        if ($7 == "UND") wanted[member " " $8] = 1
        else if ($5 != "LOCAL") defined[$8] = 1
        symbols++
    }
    END {
        for (pair in wanted) {
            split(pair, part, " ")
            if (part[2] in defined || part[2] in allowed) continue
            if (part[2] in allocator && part[1] ~ /libbase\.a\(mem\.c\.o\)$/) continue
            print part[1] ": may not call " part[2]
        }
        if (symbols == 0) print "purity: no symbol found: is this a build by gcc?"
    }' "$scratch/symbols" | sort >"$scratch/faults"
cat "$scratch/errors" >>"$scratch/faults"
[ ! -s "$scratch/faults" ] || { cat "$scratch/faults"; exit 1; }
echo "purity: ok ($# archives)"
