# Migrates the database to a release, or asks whether it has what the release needs. Its exit code is the answer.
#
# TASK             `migrate`, or `status` to change nothing
# RELEASE          name of the release, and RELEASE_SHA256 the digest of its archive
# BUCKET           where the archives are, under RELEASES_PREFIX
# DATABASE_ENDPOINT host and port, and DATABASE_URL_OPTIONS for the URL
# NODE_VERSION     major version of Node
# shellcheck shell=bash

install_node() {
  install_packages "nodejs${NODE_VERSION}" "nodejs${NODE_VERSION}-npm"
  # The image brings a Node of its own.
  PATH="/usr/bin:${PATH}"
  [[ "$(node --version)" == "v${NODE_VERSION}."* ]] || fail "node is $(node --version), not ${NODE_VERSION}"
}

fetch_release() {
  local digest
  retry aws s3 cp --only-show-errors "s3://${BUCKET}/${RELEASES_PREFIX}${RELEASE}.tar.gz" release.tar.gz
  digest=$(sha256sum release.tar.gz | cut -d ' ' -f 1)
  [[ "${digest}" == "${RELEASE_SHA256}" ]] ||
    fail "the archive of ${RELEASE} has the digest ${digest}, and ${RELEASE_SHA256} is pinned"
  mkdir -p release
  tar --extract --gzip --file=release.tar.gz --directory=release --no-same-owner
}

# A token is valid for 15 minutes, so each command gets one of its own. The URL is never printed.
run() {
  local url
  connect_to "${DATABASE_ENDPOINT}"
  url=$(
    python3 - <<'PYTHON'
import os
from urllib.parse import quote, urlunsplit

told = os.environ
login = f"{told['PGUSER']}:{quote(told['PGPASSWORD'], safe='')}@{told['PGHOST']}:{told['PGPORT']}"
print(urlunsplit(("postgresql", login, told["PGDATABASE"], told["DATABASE_URL_OPTIONS"], "")))
PYTHON
  )
  say "npm run $1 of release ${RELEASE}"
  (cd release && DATABASE_URL="${url}" NODE_ENV=production npm run "$1") || fail "npm run $1 failed"
}

install_node
fetch_certificates
fetch_release
case "${TASK}" in
  migrate)
    run migrate:production
    run migrate:status
    ;;
  status) run migrate:status ;;
  *) fail "TASK is ${TASK}, not migrate or status" ;;
esac
say "${TASK} of release ${RELEASE} succeeded"
