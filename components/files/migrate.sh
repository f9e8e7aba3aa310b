# Migrates the database to a release, or asks whether it has what the release needs. Runs in CodeBuild, as root, in
# Amazon Linux 2023. Its exit code is the answer.
#
# TASK             `migrate`, or `status` to change nothing
# RELEASE          name of the release, and RELEASE_SHA256 the digest of its archive
# BUCKET           where the archives are, under RELEASES_PREFIX
# DATABASE_URL_ARN of the secret with the connection URL, which names CA_BUNDLE_PATH
# NODE_VERSION     major version of Node
# shellcheck shell=bash
set -euo pipefail

readonly certificates_url='https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem'

fail() {
  echo "migrate: $*" >&2
  exit 1
}

# The network and the package mirrors fail now and then.
retry() {
  local attempt
  for attempt in 1 2 3 4 5; do
    "$@" && return
    echo "migrate: attempt ${attempt} failed: $*" >&2
    sleep "$((attempt * ${RETRY_SECONDS:-10}))"
  done
  fail "gave up: $*"
}

# The image pins the repositories to its own day, on which there may have been no such Node.
install_node() {
  retry dnf install --assumeyes --quiet --releasever=latest "nodejs${NODE_VERSION}" "nodejs${NODE_VERSION}-npm"
  # The image brings a Node of its own.
  PATH="/usr/bin:${PATH}"
  [[ "$(node --version)" == "v${NODE_VERSION}."* ]] || fail "node is $(node --version), not ${NODE_VERSION}"
}

fetch_certificates() {
  mkdir -p "$(dirname "${CA_BUNDLE_PATH}")"
  retry curl --fail --silent --show-error --output "${CA_BUNDLE_PATH}" "${certificates_url}"
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
  url=$(
    aws secretsmanager get-secret-value --secret-id "${DATABASE_URL_ARN}" --query SecretString --output text
  ) || fail "the secret ${DATABASE_URL_ARN} cannot be read"
  echo "migrate: npm run $1 of release ${RELEASE}"
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
echo "migrate: ${TASK} of release ${RELEASE} succeeded"
