# What every job on the database begins with. It runs in CodeBuild, as root, in Amazon Linux 2023. JOB is its name.
#
# CA_BUNDLE_PATH   where the certificates of RDS are put
# shellcheck shell=bash
set -euo pipefail

readonly certificates_url='https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem'

say() {
  echo "${JOB}: $*"
}

fail() {
  echo "${JOB}: $*" >&2
  exit 1
}

# The network and the package mirrors fail now and then.
retry() {
  local attempt
  for attempt in 1 2 3 4 5; do
    "$@" && return
    echo "${JOB}: attempt ${attempt} failed: $*" >&2
    sleep "$((attempt * ${RETRY_SECONDS:-10}))"
  done
  fail "gave up: $*"
}

# The image pins the repositories to its own day, on which there may have been no such version.
install_packages() {
  retry dnf install --assumeyes --quiet --releasever=latest "$@"
}

fetch_certificates() {
  mkdir -p "$(dirname "${CA_BUNDLE_PATH}")"
  retry curl --fail --silent --show-error --output "${CA_BUNDLE_PATH}" "${certificates_url}"
}

# psql without the reader's own settings, which stops at the first error.
ask() {
  psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "$@"
}
