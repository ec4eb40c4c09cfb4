#!/bin/sh
# check_words.sh - no file tells where on somebody's machine it was written.
#
# Looks for absolute paths into a home or a workspace in everything that is or would be committed.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ -e .git ] && command -v git >/dev/null 2>&1; then
    git -c safe.directory='*' ls-files -co --exclude-standard
else
    find . -type f -not -path './.git/*' -not -path './build/*' -not -path './build-*' | sed 's,^\./,,'
fi >"$scratch/files"

# The bracket keeps these patterns from finding themselves.
pattern='(^|[^[:alnum:]_./{}-])/(wor[k]|hom[e]|roo[t]|User[s]|tmp/brie[f])/[[:alnum:]_.-]'
tr '\n' '\0' <"$scratch/files" | xargs -0 -r grep -HnIE -e "$pattern" -- >"$scratch/faults" 2>/dev/null || true
if [ -s "$scratch/faults" ]; then
    sed 's/$/   (a path of one machine)/' "$scratch/faults"
    exit 1
fi
echo "words: ok ($(wc -l <"$scratch/files") files)"
