#!/bin/sh
# Installs the Debian packages that the tests and `make boot` need, those that are missing: sh tools/debian.sh
set -eu

# qemu-system-x86, qemu-utils, mmdebstrap, e2fsprogs, debian-archive-keyring: the virtual machine of `make boot`.
# nginx-core, logrotate, systemd (systemd-analyze), shellcheck: the tests of the files that are written onto servers.
# awscli, postgresql, postgresql-client: the jobs on the database, with a PostgreSQL of their own.
# prometheus: the rules for those who have a Prometheus, with its promtool.
# redis-server: the function that rotates what the API logs in with.
packages="awscli debian-archive-keyring e2fsprogs logrotate mmdebstrap nginx-core postgresql postgresql-client
    prometheus qemu-system-x86 qemu-utils redis-server shellcheck systemd"

explain() {
    echo "error: $1" >&2
    exit 1
}

# Node's own packages bring npm with them, and conflict with Debian's.
command -v npm >/dev/null 2>&1 || packages="$packages npm"

if ! command -v apt-get >/dev/null 2>&1; then
    # One line of words again.
    # shellcheck disable=SC2086,SC2116
    explain "apt-get is not there to install what is needed; install these Debian packages' counterparts: $(echo $packages)."
fi

missing=
for package in $packages; do
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed \
        || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    explain "only root can install the missing Debian packages: run \`apt-get install$missing\` as root."
fi

echo "Installing$missing ..."
install_missing() {
    # nginx must not start, and take port 80: a policy says so while the packages are configured.
    # shellcheck disable=SC2086 # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install --yes --quiet=2 --no-install-recommends -o Dpkg::Use-Pty=0 $missing >"$log" 2>&1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lists of packages may be old, or not there at all.
if ! install_missing; then
    $as_root apt-get update --quiet=2 >/dev/null 2>&1 || true
    install_missing || explain "the packages$missing could not be installed: $(tail -n 3 "$log" | tr '\n' ' ')"
fi
