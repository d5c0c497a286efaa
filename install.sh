#!/bin/sh
# Install TinyTorch into a folder of its own:  sh install.sh [FOLDER]
#
# Makes FOLDER (default: my-tinytorch) with a Python environment in FOLDER/.venv, installs the
# course and JupyterLab there, and checks that both work. Nothing outside FOLDER is changed, and
# a folder that was not made by this script is left alone. Safe to run again: it brings the
# installation up to date.
#
#   PYTHON            which Python to use, if not the first one found that is new enough
#   TINYTORCH_SOURCE  a wheel or a checkout to install instead of the published course

set -u

DISTRIBUTION=tinytorch-course
MARK=.tinytorch-install
NEW_ENOUGH='import sys; sys.exit(sys.version_info < (3, 11))'

main() {
    case ${1:-} in
        -h | --help) usage; exit 0 ;;
        -*) fail "Unknown option: $1" "Usage: sh install.sh [FOLDER]" ;;
    esac
    [ $# -le 1 ] || fail "One folder is expected; got $#." "Usage: sh install.sh [FOLDER]"
    unset PYTHONHOME PYTHONPATH # another Python's packages must not come before these
    export PIP_DISABLE_PIP_VERSION_CHECK=1

    requirement=$(requirement) || exit 1
    python=$(find_python) || exit 1
    folder=$(own_folder "${1:-my-tinytorch}") || exit 1
    environment "$python" "$folder/.venv"
    bin=$folder/.venv/bin
    [ -d "$bin" ] || bin=$folder/.venv/Scripts # Windows
    install "$bin" "$requirement"
    verify "$bin" "$folder"
    say_next "$folder" "${bin##*/}"
}

usage() {
    echo "Usage: sh install.sh [FOLDER]    (default: my-tinytorch)"
    echo "Installs the TinyTorch course and JupyterLab into FOLDER/.venv."
    echo "PYTHON=python3.12 names a Python,"
    echo "TINYTORCH_SOURCE=FILE a wheel or a checkout to install."
}

fail() { # what is wrong, what to do
    echo "Error: $1" >&2
    echo "$2" >&2
    exit 1
}

requirement() { # what pip is asked for
    source=${TINYTORCH_SOURCE:-}
    [ -n "$source" ] || { echo "${DISTRIBUTION}[notebook]"; return; }
    [ -e "$source" ] || fail "TINYTORCH_SOURCE names $source, and there is no such file or folder." \
        "Give the path of a wheel or of a checkout, or unset it to install the published course."
    echo "$(absolute "$source")[notebook]"
}

absolute() {
    case $1 in
        /*) echo "$1" ;;
        *) echo "$(pwd)/$1" ;;
    esac
}

find_python() { # the first Python that is new enough and complete
    found=
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"
    else set -- python3 python3.14 python3.13 python3.12 python3.11 python; fi
    for name; do
        version=$("$name" -c 'import platform; print(platform.python_version())' 2>/dev/null) \
            || continue
        found="$found Found: $name $version."
        "$name" -c "$NEW_ENOUGH" || continue
        "$name" -c 'import ensurepip, venv' 2>/dev/null || fail \
            "$name is $version, but cannot make environments: its modules venv and ensurepip are missing." \
            "Install them (Debian, Ubuntu: the package python3-venv), then run this again."
        echo "$name"
        return
    done
    fail "TinyTorch needs Python 3.11 or newer.${found:- No Python was found.}" \
        "Install one (python.org, or your system's packages), then run this again. If you have
one, name it: PYTHON=/path/to/python3 sh install.sh"
}

own_folder() { # made, or known as ours; its absolute path
    if [ -e "$1" ] && [ ! -e "$1/$MARK" ]; then
        [ -d "$1" ] || fail "$1 is a file; a folder is expected." "Name another: sh install.sh FOLDER"
        [ -z "$(ls -A "$1")" ] || fail "$1 exists, and was not made by this script; nothing was changed." \
            "Name another folder: sh install.sh FOLDER"
    fi
    { mkdir -p "$1" && echo "Made by install.sh of TinyTorch." >"$1/$MARK"; } 2>/dev/null || fail \
        "The folder $1 cannot be made or written." \
        "Check its permissions and the free disk space, or name another: sh install.sh FOLDER"
    (cd "$1" && pwd)
}

environment() { # python, place: made anew unless it works
    "$2/bin/python" -c '' 2>/dev/null || "$2/Scripts/python" -c '' 2>/dev/null && return
    echo "Making a Python environment: $2"
    "$1" -m venv --clear "$2" || fail "The environment could not be made; the reason stands above." \
        "Check the free disk space, or name another folder: sh install.sh FOLDER"
}

install() { # bin, requirement
    echo "Installing ${2##*/}: about a minute"
    "$1/python" -m pip install --upgrade "$2" || fail "The installation stopped; the reason stands above." \
        "Often it is the network or the disk space. Then run the same line again: nothing is lost."
}

verify() { # bin, folder; from the root, where no workspace's package stands in for the course's
    (cd / && "$1/python" -c 'import jupyterlab, tinytorch, tito') \
        || fail "The course was installed, but does not work; the reason stands above." \
            "Remove $2/.venv and run this again."
    (cd "$2" && "$1/python" -m tito system doctor) \
        || fail "tito system doctor found something to mend: see above." "Mend it, then run this again."
}

say_next() { # folder, name of its bin
    echo
    echo "TinyTorch is installed. Next:"
    echo "  cd '$1'"
    echo "  . .venv/$2/activate      # in every new terminal"
    [ -d "$1/.tinytorch" ] && echo "  tito next" && return
    echo "  tito setup               # makes this folder your workspace"
    echo "  tito module start        # opens Module 01 in JupyterLab"
}

main "$@"
