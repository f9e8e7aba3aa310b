#!/bin/bash
# First boot of an app server: installs the runtime, the release and the settings, then starts the API.
# It contains ARNs of secrets, never values: every identity that may describe the instance can read its user data.
set -euo pipefail

readonly region='$region'
readonly bucket='$bucket'
readonly release='$releases_prefix$release.tar.gz'
readonly node_package='nodejs$node_version'
readonly certificates_url='https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem'

# On a new stack the routes, the secrets' values and the release may be minutes younger than the server. All waits
# together end before the Auto Scaling group replaces a server that does not answer.
readonly patience=$patience_seconds

retry() {
  until "$$@"; do
    if ((SECONDS >= patience)); then
      echo "gave up after $${patience} s: $$*" >&2
      return 1
    fi
    echo "failed: $$*; trying again in 10 s" >&2
    sleep 10
  done
}

install_runtime() {
  dnf install --assumeyes "$${node_package}"
}

create_user() {
  id fixrx >/dev/null 2>&1 || useradd --system --home-dir /var/www/fixrx-backend --shell /sbin/nologin fixrx
  install --directory --owner=fixrx --group=fixrx /var/www/fixrx-backend /var/log/fixrx
  install --directory /etc/fixrx
}

fetch_database_certificates() {
  curl --fail --silent --show-error --output '$ca_bundle_path' "$${certificates_url}"
}

# Prints, one a line, what the application needs and an operator has not provided yet.
missing_inputs() {
  local answer variable arn
  answer=$$(aws s3api head-object --region "$${region}" --bucket "$${bucket}" --key "$${release}" 2>&1 >/dev/null) ||
    case "$${answer}" in
      *'(404)'*) echo "the release s3://$${bucket}/$${release} is not there: upload it" ;;
      *) echo "the release s3://$${bucket}/$${release} cannot be read: $${answer}" ;;
    esac
  while read -r variable arn _; do
    # Asks for the ARN only: the value is neither kept nor printed.
    answer=$$(
      aws secretsmanager get-secret-value --region "$${region}" --secret-id "$${arn}" --query ARN --output text \
        2>&1 >/dev/null </dev/null
    ) ||
      case "$${answer}" in
        *ResourceNotFoundException*)
          echo "the secret $${variable} has no value: aws secretsmanager put-secret-value --secret-id $${arn}"
          ;;
        *) echo "the secret $${variable} cannot be read: $${answer}" ;;
      esac
  done </etc/fixrx/secrets.list
}

nothing_is_missing() {
  local missing
  missing=$$(missing_inputs)
  if [ -n "$${missing}" ]; then
    printf 'missing:\n%s\n' "$${missing}" >&2
    return 1
  fi
}

# Joined by &&: bash ignores `set -e` in what `retry` calls, and a broken archive would count as a release.
fetch_release() {
  aws s3 cp --region "$${region}" "s3://$${bucket}/$${release}" /tmp/release.tar.gz &&
    tar --extract --gzip --file=/tmp/release.tar.gz --directory=/var/www/fixrx-backend --no-same-owner &&
    chown --recursive fixrx:fixrx /var/www/fixrx-backend &&
    rm /tmp/release.tar.gz
}

write_settings() {
  cat >/etc/fixrx/settings.env <<'SETTINGS'
$settings
SETTINGS
  cat >/etc/fixrx/secrets.list <<'SECRETS'
$secrets
SECRETS
}

# The values go to memory only (/run is a tmpfs) and are fetched again at every start of the service.
# Inside double quotes systemd reads every character literally, line breaks too, except the four escaped below.
# Line breaks at the end of a value are removed; they come from an editor and are not part of a secret.
write_secret_loader() {
  cat >/usr/local/sbin/fixrx-load-secrets <<'LOADER'
#!/bin/bash
set -euo pipefail
umask 077
install --directory --mode=0700 /run/fixrx
: >/run/fixrx/secrets.env.new
unreadable=()
while read -r variable arn _; do
  if value=$$(
    aws secretsmanager get-secret-value --region '$region' --secret-id "$${arn}" --query SecretString --output text |
      sed 's/["\\`$$]/\\&/g'
  ); then
    printf '%s="%s"\n' "$${variable}" "$${value}" >>/run/fixrx/secrets.env.new
  else
    unreadable+=("$${variable}")
  fi
done </etc/fixrx/secrets.list
if [ "$${#unreadable[@]}" -gt 0 ]; then
  echo "these secrets cannot be read; have they values? $${unreadable[*]}" >&2
  exit 1
fi
mv /run/fixrx/secrets.env.new /run/fixrx/secrets.env
LOADER
  chmod 0700 /usr/local/sbin/fixrx-load-secrets
}

write_service() {
  cat >/etc/systemd/system/fixrx-api.service <<'UNIT'
[Unit]
Description=FixRx API
Wants=network-online.target
After=network-online.target

[Service]
User=fixrx
WorkingDirectory=/var/www/fixrx-backend
EnvironmentFile=/etc/fixrx/settings.env
EnvironmentFile=-/run/fixrx/secrets.env
ExecStartPre=+/usr/local/sbin/fixrx-load-secrets
ExecStart=/var/www/fixrx-backend/node_modules/.bin/pm2-runtime start ecosystem.config.js --env production
Restart=always
RestartSec=5
TimeoutStopSec=$drain_seconds
NoNewPrivileges=true

[Install]
WantedBy=multi-user.target
UNIT
}

start_service() {
  systemctl daemon-reload
  systemctl enable --now fixrx-api.service
}

retry install_runtime
create_user
write_settings
write_secret_loader
write_service
retry nothing_is_missing
retry fetch_database_certificates
retry fetch_release
start_service
