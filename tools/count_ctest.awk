# count_ctest.awk - add up a LastTest.log of CTest: prints `N passed, N failed`.
#
# A program that counts its own tests (libcheck's summary, or a line `N passed, N failed`) adds those; any other
# counts as one. A program that failed adds at least one failure, whatever it said.

function settle() {
    if (!open) return
    if (!said && ok) good = 1
    if (!ok && bad == 0) bad = 1
    passed += good; failed += bad
    open = 0
}

/^[0-9]+\/[0-9]+ Testing: / { settle(); open = 1; ok = 0; said = 0; good = 0; bad = 0 }
/^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
    line = $0; gsub(/,/, "", line); split(line, word, " ")
    said = 1; bad += word[5] + word[7]; good += word[3] - word[5] - word[7]
}
/^[0-9]+ passed, [0-9]+ failed$/ { said = 1; good += $1; bad += $3 }
/^Test Passed\.$/ { ok = 1 }
END { settle(); printf "%d passed, %d failed\n", passed, failed }
