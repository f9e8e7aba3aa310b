#!/bin/sh
# Makes the virtual environment .venv from requirements-dev.txt, every package checked against its hash.
# uv does it in seconds where it is installed; python3 with its venv module does the same more slowly.
set -eu

explain() {
    echo "error: $1" >&2
    exit 1
}

install_failed="the Python packages could not be installed, because the registry did not answer or the disk is full \
(see the lines above): check the connection to PyPI, PIP_INDEX_URL or UV_INDEX_URL if you use a mirror, and \`df -h .\`, \
then run the command again."

# A terminal gets the installer's progress; a log does not need its list of a hundred packages.
if [ -t 1 ]; then quiet=; else quiet=--quiet; fi

echo "Making the Python environment in .venv (half a minute) ..."
if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    uv venv --quiet --clear --python '>=3.11' .venv \
        || explain "Python 3.11 or newer is needed and was not found: install it (Debian: apt install python3)."
    uv pip sync $quiet --python .venv/bin/python --require-hashes requirements-dev.txt \
        || explain "$install_failed"
else
    command -v python3 >/dev/null 2>&1 \
        || explain "python3 is needed and was not found: install it (Debian: apt install python3 python3-venv)."
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || explain "Python 3.11 or newer is needed, but $(command -v python3) is $(python3 -V): install a newer one."
    python3 -c 'import ensurepip, venv' 2>/dev/null \
        || explain "python3 cannot make virtual environments, because its venv module is not installed: apt install python3-venv."
    python3 -m venv --clear .venv
    # Compiling all of the AWS SDK ahead takes longer than installing it, and a run imports a tenth of it.
    .venv/bin/python -m pip install $quiet --no-compile --disable-pip-version-check --require-hashes \
        -r requirements-dev.txt \
        || explain "$install_failed"
fi
