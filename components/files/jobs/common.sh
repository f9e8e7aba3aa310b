# What every job on the database begins with. It runs in CodeBuild, as root, in Amazon Linux 2023. JOB is its name.
#
# CA_BUNDLE_PATH   where the connection URLs expect the certificates of RDS
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

# Prints the connection URL that a secret holds.
read_url() {
  aws secretsmanager get-secret-value --secret-id "$1" --query SecretString --output text ||
    fail "the secret $1 cannot be read"
}

# Where psql and its like connect: what a secret's URL says, but for its options, which are the API's, with a time limit
# of 30 s. In the environment, because everybody can read the command line of a process.
connect_to() {
  local url settings
  url=$(read_url "$1")
  mapfile -d '' -t settings < <(
    URL="${url}" python3 - <<'PYTHON'
import os
from urllib.parse import parse_qs, unquote, urlsplit

url = urlsplit(os.environ["URL"])
query = parse_qs(url.query)
settings = {
    "PGHOST": query["host"][0] if "host" in query else url.hostname,
    "PGPORT": str(url.port or 5432),
    "PGUSER": unquote(url.username),
    "PGPASSWORD": unquote(url.password or ""),
    "PGDATABASE": unquote(url.path[1:]),
    "PGSSLMODE": query["sslmode"][0],
    "PGSSLROOTCERT": query["sslrootcert"][0],
}
print(end="".join(f"{name}={value}\0" for name, value in settings.items()))
PYTHON
  )
  ((${#settings[@]} > 0)) || fail "the secret $1 holds no connection URL"
  export "${settings[@]}"
}

# psql without the reader's own settings, which stops at the first error.
ask() {
  psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "$@"
}
