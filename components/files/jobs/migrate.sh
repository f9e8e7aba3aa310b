# Migrates the database to a release, or asks whether it has what the release needs. Its exit code is the answer.
#
# TASK             `migrate`, or `status` to change nothing
# RELEASE          name of the release, and RELEASE_SHA256 the digest of its archive
# BUCKET           where the archives are, under RELEASES_PREFIX
# DATABASE_URL_ARN of the secret with the connection URL
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

# The URL is read anew for each command, as its password may be replaced meanwhile. It is never printed.
run() {
  local url
  url=$(read_url "${DATABASE_URL_ARN}")
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
