#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Sourced by test/interop/run and test/interop/stores: runs checks, one line for each, and counts them.

passed=0 failed=0 skipped=0
began=$(date +%s)

# skip WHAT WHY: counted, and not to be overlooked.
skip() {
    printf '\n*** SKIPPED: %s: %s ***\n\n' "$1" "$2" >&2
    skipped=$((skipped + 1))
}

# skip_all WHAT WHY: the exit code that says so.
skip_all() {
    skip "$1" "$2"
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
}

# give_up WHY: nothing can be checked, and that is a failure.
give_up() {
    printf '%s\n%s passed, %s failed, %s skipped\n' "$1" "$passed" "$((failed + 1))" "$skipped"
    exit 1
}

# start NAME COMMAND...: begin a check. It runs beside those that were started since the last collect.
titles=() jobs=()
start() {
    local name=$1
    shift
    set -m # a process group of its own, so that all of it can be ended
    (set -e; "$@") </dev/null >"$work/said.${#jobs[@]}" 2>&1 & # not within a condition: there, set -e would be without effect
    titles+=("$name") jobs+=($!)
    set +m
}

# Waits for the checks started; one line for each, in their order. What a check says is shown
# only when it fails, but for lines that begin with 'note: '.
collect() {
    local i rc note
    for i in "${!jobs[@]}"; do
        wait "${jobs[i]}"
        rc=$?
        if [ $rc -eq 0 ]; then
            passed=$((passed + 1))
            note=$(sed -n 's/^note: //p' "$work/said.$i" | paste -sd ';')
            echo "ok ${titles[i]}${note:+ ($note)}"
        else
            failed=$((failed + 1))
            echo "FAILED ${titles[i]}: exit code $rc: $(tail -n 25 "$work/said.$i" | tr '\n' '|')"
        fi
    done
    titles=() jobs=()
}

check() { start "$@"; collect; }

# same WHAT GOT EXPECTED
same() { [ "$2" = "$3" ] || { echo "$1, expected (<) and found (>):"; diff <(echo "$3") <(echo "$2"); }; }

# prints EXPECTED COMMAND...: exit code 0, and that on standard output.
prints() {
    local expected=$1 said
    shift
    said=$("$@") || { echo "exit code $? of $*"; return 1; }
    same "what it prints, $*" "$said" "$expected"
}

# silent COMMAND...: exit code 0 and not a word on standard error.
silent() {
    local said
    said=$("$@" 2>&1 >/dev/null) || { echo "exit code $?: $said"; return 1; }
    same "what '$1' warns of" "$said" ""
}

# The last lines, and whether nothing failed.
end_checks() {
    echo "Took $SECONDS s."
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}
