#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Sourced by example/run and test/run.

# need WHY PACKAGE[:COMMAND]...
#
# Install with apt those Debian packages that are missing, and say which and why. A package with a command is not missing
# where the command exists, wherever that came from. Uses sudo where the user is not root. Never removes a package.
need() {
    local why=$1 each package command missing=()
    shift
    for each; do
        package=${each%%:*} command=
        [ "$package" = "$each" ] || command=${each#*:}
        if [ -n "$command" ]; then
            command -v "$command" >/dev/null && continue
        elif ! command -v dpkg-query >/dev/null; then
            continue # not Debian: CMake says what it does not find
        fi
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -ne 0 ] || return 0

    echo "Installing with apt: ${missing[*]} ($why)." >&2
    local as=()
    if ! command -v apt-get >/dev/null; then
        echo "There is no apt-get on this machine: please install what these Debian packages hold, then try again." >&2
        return 1
    elif [ "$(id -u)" -ne 0 ]; then
        as=(sudo)
        if ! command -v sudo >/dev/null; then
            echo "This needs root. Please run as root: apt-get install ${missing[*]}" >&2
            return 1
        fi
    fi
    local log
    log=$(mktemp)
    # The list of packages may be there already; it is fetched anew only if the packages are not in it.
    local install=("${as[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get install --yes --no-remove --no-install-recommends "${missing[@]}")
    if "${install[@]}" >"$log" 2>&1 </dev/null ||
        { "${as[@]}" apt-get update >"$log" 2>&1 && "${install[@]}" >>"$log" 2>&1 </dev/null; }; then
        rm -f "$log"
        return 0
    fi
    cat "$log" >&2
    rm -f "$log"
    echo "apt could not install ${missing[*]}; see above. Nothing was removed: an older Boost's -dev packages may be in the way." >&2
    return 1
}
