#!/bin/bash
# First boot of an app server: packages, files, release, service. The group replaces a server that cannot start.
# It contains ARNs of secrets, never values: every identity that may describe the instance can read its user data.
set -euo pipefail

readonly region='@@region'
readonly bucket='@@bucket'
readonly release='@@release'
readonly archive='@@releases_prefix@@release.tar.gz'
readonly sha256='@@release_sha256'
readonly packages=(nodejs@@{node_version} nginx logrotate amazon-cloudwatch-agent)
readonly ssh_daemon=@@ssh_daemon
readonly directory='@@directory'
readonly ready_url='http://127.0.0.1:@@port@@ready_path'
readonly metadata_url='http://169.254.169.254/latest'
readonly certificates_url='https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem'

# On a new stack the routes, the secrets' values and the release may be minutes younger than the server. All waits for
# them together end before the Auto Scaling group replaces a server that does not answer.
readonly patience=@@patience_seconds
readonly healthy_within=@@healthy_seconds

why=''
fail() {
  why=$1
  exit 1
}

one_line() {
  sed '/^$/d' | tail --lines=60 | paste --serial --delimiters=';'
}

# Tells the group at once, which would wait for the end of its grace period otherwise.
report_unhealthy() {
  local token instance
  token=$(
    curl --fail --silent --show-error --max-time 5 --request PUT \
      --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' "${metadata_url}/api/token"
  ) && instance=$(
    curl --fail --silent --show-error --max-time 5 \
      --header "X-aws-ec2-metadata-token: ${token}" "${metadata_url}/meta-data/instance-id"
  ) && aws autoscaling set-instance-health --region "${region}" --instance-id "${instance}" \
    --health-status Unhealthy --no-should-respect-grace-period
}

# cloud-init writes the line to the console as well: `aws ec2 get-console-output` shows it when the server is gone.
say_why() {
  local status=$? command=${BASH_COMMAND}
  if ((status != 0)); then
    local line="FIXRX BOOT FAILED: ${why:-${command} ended with ${status}}"
    echo "${line}" >&2
    logger --tag fixrx-boot --priority user.err -- "${line}" || true
    report_unhealthy || echo 'the group could not be told; it replaces the server at the end of its grace period' >&2
  fi
}
trap say_why EXIT

# Runs a command until it succeeds, and says what is wrong each time that it changes.
retry() {
  local said before=''
  until said=$("$@" 2>&1); do
    said=$(one_line <<<"${said}")
    ((SECONDS < patience)) || fail "$1 has not succeeded for ${patience} s: ${said}"
    if [ "${said}" != "${before}" ]; then
      echo "$1: ${said}; trying every 10 s" >&2
      before=${said}
    fi
    sleep 10
  done
}

install_packages() {
  dnf install --assumeyes "${packages[@]}"
}

create_user() {
  id fixrx >/dev/null 2>&1 || useradd --system --home-dir "${directory}" --no-create-home --shell /sbin/nologin fixrx
  install --directory --owner=root --group=fixrx --mode=0750 "${directory}"
  install --directory --owner=fixrx --group=fixrx --mode=0750 /var/log/fixrx
}

write_file() {
  install -D --mode="$1" /dev/stdin "$2"
}

write_files() {
@@files
}

harden() {
  systemctl restart systemd-sysctl.service
  "${ssh_daemon}" || systemctl mask --now sshd.service sshd.socket
}

# Logs and metrics: a server without them serves all the same.
start_agent() {
  /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:@@agent_path ||
    echo 'the CloudWatch agent does not start: no logs and no metrics of this server' >&2
}

# Names, one a line, what the application needs and an operator has not provided yet: the release and all secrets.
everything_is_there() {
  local answer missing=0
  answer=$(aws s3api head-object --region "${region}" --bucket "${bucket}" --key "${archive}" 2>&1 >/dev/null) || {
    missing=1
    case "${answer}" in
      *'(404)'*) echo "the release s3://${bucket}/${archive} is not there: upload it" ;;
      *) echo "the release s3://${bucket}/${archive} cannot be read: $(one_line <<<"${answer}")" ;;
    esac
  }
  /usr/local/sbin/fixrx-load-secrets || missing=1
  return "${missing}"
}

fetch_database_certificates() {
  curl --fail --silent --show-error --output '@@ca_bundle_path' "${certificates_url}"
}

fetch_release() {
  aws s3 cp --no-progress --region "${region}" "s3://${bucket}/${archive}" /tmp/release.tar.gz
}

unpack_release() {
  local actual file
  actual=$(sha256sum /tmp/release.tar.gz)
  actual=${actual%% *}
  [ "${actual}" = "${sha256}" ] || fail "the release ${release} has the SHA-256 ${actual}, but ${sha256} is pinned"
  tar --extract --gzip --file=/tmp/release.tar.gz --directory="${directory}" --no-same-owner
  rm /tmp/release.tar.gz
  for file in dist/server.js node_modules/.bin/pm2 node_modules/.bin/pm2-runtime; do
    [ -f "${directory}/${file}" ] || fail "the release ${release} has no ${file}"
  done
  # The guide's application writes its logs to ./logs.
  rm --recursive --force "${directory}/logs"
  ln --symbolic /var/log/fixrx "${directory}/logs"
  # The service reads its own code and cannot change it.
  chown --recursive --no-dereference root:fixrx "${directory}"
  chmod --recursive u=rwX,g=rX,o= "${directory}"
}

start() {
  systemctl daemon-reload
  systemctl enable --now logrotate.timer
  systemctl enable --now nginx.service || fail "nginx does not start: $(nginx -t 2>&1 | one_line)"
  systemctl enable --now fixrx-api.service ||
    fail "fixrx-api does not start: $(journalctl --unit fixrx-api --lines=5 --output=cat 2>&1 | one_line)"
}

wait_until_healthy() {
  local answer deadline=$((SECONDS + healthy_within))
  while :; do
    answer=$(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "${ready_url}") || true
    [ "${answer}" = 200 ] && return
    ((SECONDS < deadline)) || break
    sleep 2
  done
  fail "${ready_url} has not answered 200 for ${healthy_within} s, at last ${answer}: see /var/log/fixrx/err.log"
}

retry install_packages
create_user
write_files
harden
start_agent
retry everything_is_there
retry fetch_database_certificates
retry fetch_release
unpack_release
start
wait_until_healthy
systemctl enable --now fixrx-secrets.timer
echo "FIXRX BOOT FINISHED: release ${release} serves after ${SECONDS} s"
