#!/bin/sh
# Makes the virtual environment .venv from requirements-dev.txt, every package checked against its hash.
# pip stays in it, because the official Pulumi CLI asks pip which packages there are.
set -eu

explain() {
    echo "error: $1" >&2
    exit 1
}

# A terminal gets the installer's progress; a log does not need its list of a hundred packages.
if [ -t 1 ]; then quiet=; else quiet=--quiet; fi

# Compiling all of the AWS SDK ahead takes longer than installing it, and a run imports a tenth of it.
pip_install() {
    .venv/bin/python -m pip install $quiet --no-compile --disable-pip-version-check --require-hashes -r "$1"
}

echo "Making the Python environment in .venv ..."
command -v python3 >/dev/null 2>&1 \
    || explain "python3 is needed and was not found: install it (Debian: apt install python3 python3-venv)."
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || explain "Python 3.11 or newer is needed, but $(command -v python3) is $(python3 -V): install a newer one."
python3 -c 'import ensurepip, venv' 2>/dev/null \
    || explain "python3 cannot make virtual environments, because its venv module is not installed: apt install python3-venv."

# A disk that fills up in the middle is reported by the installers as many other things.
needed_mib=1024
free_mib=$(($(df -Pk . | awk 'NR == 2 { print $4 }') / 1024))
[ "$free_mib" -ge "$needed_mib" ] \
    || explain "the Python packages need $needed_mib MiB, and the disk has $free_mib MiB left: free some space (see \`df -h .\`)."
python3 -m venv --clear .venv

# uv installs the rest in a fifth of pip's time. Where only pip knows the way to the registry (pip.conf), pip does it.
sed -n '/^uv==/,/[^\\]$/p' requirements-dev.txt >.venv/requirements-uv.txt
if ! pip_install .venv/requirements-uv.txt \
    || ! .venv/bin/uv pip sync $quiet --python .venv/bin/python --require-hashes requirements-dev.txt; then
    echo "uv could not install the Python packages; trying pip ..."
    pip_install requirements-dev.txt || explain "the Python packages could not be installed (see the lines above): check the \
connection to PyPI, and PIP_INDEX_URL if you use a mirror, then run the command again."
fi
