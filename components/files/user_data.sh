#!/bin/bash
# First boot of an app server: installs the runtime, the release and the settings, then starts the API.
# It contains ARNs of secrets, never values: every identity that may describe the instance can read its user data.
set -euo pipefail

readonly region='$region'
readonly releases='s3://$bucket/$releases_prefix'
readonly release='$release'
readonly node_package='nodejs$node_version'
readonly certificates_url='https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem'

# On a new stack the routes, the secrets' values and the release may be minutes younger than the server.
retry() {
  local attempt
  for attempt in $$(seq 1 60); do
    if "$$@"; then return 0; fi
    echo "attempt $${attempt} of 60 failed: $$1; trying again in 10 s" >&2
    sleep 10
  done
  echo "gave up: $$*" >&2
  return 1
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

# Joined by &&: bash ignores `set -e` in what `retry` calls, and a broken archive would count as a release.
fetch_release() {
  aws s3 cp --region "$${region}" "$${releases}$${release}.tar.gz" /tmp/release.tar.gz &&
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
while read -r variable arn; do
  value=$$(
    aws secretsmanager get-secret-value --region '$region' --secret-id "$${arn}" --query SecretString --output text |
      sed 's/["\\`$$]/\\&/g'
  )
  printf '%s="%s"\n' "$${variable}" "$${value}" >>/run/fixrx/secrets.env.new
done </etc/fixrx/secrets.list
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
retry fetch_database_certificates
retry fetch_release
write_settings
write_secret_loader
write_service
start_service
