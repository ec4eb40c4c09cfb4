#!/bin/bash
# tools/check_mutants.sh - does each mutant of the simulator still apply? Whether it is seen is script/mutants' to say.
set -u
cd "$(dirname "$0")/.." || exit 2
bad=0
count=0
for patch in tests/sim/mutants/*.patch; do
    [ -e "$patch" ] || { echo "mutants: there is none in tests/sim/mutants" >&2; exit 2; }
    count=$((count + 1))
    if ! patch -p1 --dry-run --fuzz=0 --silent --force <"$patch" >/dev/null; then
        echo "mutants: $patch does not apply any more: the code that it breaks has changed, and it must follow" >&2
        bad=1
    fi
done
[ $bad = 0 ] && echo "mutants: ok ($count patches)"
exit $bad
