# Whether the API on this server is well, and which release it runs: run by Systems Manager after a rollout, as root.
# shellcheck shell=bash
set -euo pipefail

# The guide's three endpoints.
for path in health database/status metrics; do
  curl --fail --silent --show-error --max-time 20 --output /dev/null "http://localhost:3000/api/v1/system/${path}" || {
    echo "/api/v1/system/${path} is not well"
    exit 1
  }
done
python3 -c 'import json; print("release=" + json.load(open("/var/www/fixrx-backend/release.json"))["release"])'
