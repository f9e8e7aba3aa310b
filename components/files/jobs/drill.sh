# Restores the newest dump into a PostgreSQL that is thrown away, and compares what came back with the manifest.
#
# BUCKET, DATABASE_PREFIX, DRILLS_PREFIX  where the dumps are, and where the report is written to
# shellcheck shell=bash disable=SC2154 # describe_database comes before

# One dump a day, two hours late.
readonly oldest_hours="${OLDEST_HOURS:-26}"

# PostgreSQL refuses to run as root.
as_server() {
  if ((EUID == 0)); then
    runuser --user=postgres -- env --chdir="${work}" "$@"
  else
    env --chdir="${work}" "$@"
  fi
}

# Tells what the manifest says: manifest_says postgresql
manifest_says() {
  python3 -c 'import json, sys; print(json.load(open("manifest.json"))[sys.argv[1]])' "$1"
}

fetch_manifest() {
  local newest
  newest=$(aws s3api list-objects-v2 --bucket "${BUCKET}" --prefix "${DATABASE_PREFIX}" --output text \
    --query "sort_by(Contents[?ends_with(Key, '.json')] || \`[]\`, &Key)[-1].Key")
  [[ "${newest}" != None ]] || fail "there is no dump with a manifest in s3://${BUCKET}/${DATABASE_PREFIX}"
  retry aws s3 cp --only-show-errors "s3://${BUCKET}/${newest}" manifest.json
  dump=$(manifest_says dump)
  taken=$(manifest_says taken)
  say "newest dump: s3://${BUCKET}/${dump}, taken ${taken}"
  (($(date +%s) - $(date --date="${taken}" +%s) <= oldest_hours * 3600)) ||
    fail "the newest dump is older than ${oldest_hours} hours: ${taken}"
}

fetch_dump() {
  local needed digest expected
  # The restored database with its indexes, and the dump.
  needed=$((2 * $(manifest_says database_bytes)))
  (($(df --output=avail --block-size=1 "${work}" | tail -n 1) > needed)) ||
    fail "the disk has no ${needed} bytes for the restored database; take a larger compute type"
  retry aws s3 cp --only-show-errors "s3://${BUCKET}/${dump}" "${work}/database.dump"
  digest=$(sha256sum "${work}/database.dump" | cut -d ' ' -f 1)
  expected=$(manifest_says sha256)
  [[ "${digest}" == "${expected}" ]] || fail "the dump has the digest ${digest}, and its manifest says ${expected}"
}

start_server() {
  local version
  version=$(manifest_says postgresql)
  install_packages "postgresql${version}-server" "postgresql${version}-contrib"
  PATH="/usr/lib/postgresql/${version}/bin:${PATH}"
  # Its user is there with its package only.
  ((EUID != 0)) || chown --recursive postgres: "${work}"
  as_server initdb --pgdata="${work}/data" --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  # Nobody but this job connects, and nothing of it is kept.
  local options="-c listen_addresses='' -c unix_socket_directories='${work}' -c fsync=off -c full_page_writes=off"
  as_server pg_ctl --pgdata="${work}/data" --silent --wait --log="${work}/log" start --options="${options}" ||
    fail "PostgreSQL ${version} does not start: $(cat "${work}/log")"
  export PGHOST="${work}" PGDATABASE=restored
  as_server createdb --template=template0 restored
}

clean_up() {
  [[ ! -e "${work}/data/postmaster.pid" ]] || as_server pg_ctl --pgdata="${work}/data" --silent --mode=immediate stop
  rm -rf "${work}"
}

restore() {
  local from
  from=$(pg_restore --list "${work}/database.dump" | sed -n 's/^;     Dumped from database version: \([0-9]*\).*/\1/p') ||
    fail "the dump is damaged: pg_restore does not read it"
  [[ "${from}" == "$(manifest_says postgresql)" ]] ||
    fail "the dump is of PostgreSQL ${from}, and its manifest says $(manifest_says postgresql)"
  as_server pg_restore --exit-on-error --no-owner --no-acl --jobs=2 --dbname=restored "${work}/database.dump" ||
    fail "the dump is damaged, or does not fit: pg_restore failed"
}

verify() {
  as_server psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 \
    --command="${describe_database}" >restored.json || fail "the restored database cannot be described"
  as_server pg_amcheck --install-missing --heapallindexed --database=restored ||
    fail "the restored database is damaged: pg_amcheck failed"
  python3 - <<'PYTHON'
import json
import sys
from pathlib import Path

dumped = json.loads(Path("manifest.json").read_text())["database"]
restored = json.loads(Path("restored.json").read_text())
problems = []
if not restored["users"]:
    problems.append("there are no users")
for table in sorted({*dumped["rows"], *restored["rows"]}):
    before, after = dumped["rows"].get(table), restored["rows"].get(table)
    if after is None:
        problems.append(f"the table {table} is missing")
    elif before != after:
        problems.append(f"the table {table} has {after} rows, and {before} were counted before the dump")
for kind in ("constraints", "indexes"):
    missing = sorted(set(dumped[kind] or ()) - set(restored[kind] or ()))
    problems += [f"missing of the {kind}: {name}" for name in missing]
problems += [f"the index {name} is invalid in the database" for name in dumped["invalid_indexes"]]
if dumped["large_objects"] != restored["large_objects"]:
    problems.append(f"{restored['large_objects']} of {dumped['large_objects']} large objects are there")
Path("problems").write_text("".join(f"{problem}\n" for problem in problems))
PYTHON
  while read -r problem; do say "${problem}" >&2; done <problems
  [[ ! -s problems ]] || fail "the restored database is not what was dumped"
}

write_report() {
  DUMP="${work}/database.dump" SECONDS_FETCH="$1" SECONDS_RESTORE="$2" SECONDS_VERIFY="$3" python3 - >report.json <<'PYTHON'
import json
import os
from pathlib import Path

manifest = json.loads(Path("manifest.json").read_text())
report = {
    "dump": manifest["dump"],
    "taken": manifest["taken"],
    "postgresql": manifest["postgresql"],
    "dump_bytes": Path(os.environ["DUMP"]).stat().st_size,
    "users": manifest["database"]["users"],
    "tables": len(manifest["database"]["rows"]),
    "seconds": {name: int(os.environ[f"SECONDS_{name.upper()}"]) for name in ("fetch", "restore", "verify")},
}
print(json.dumps(report, indent=2))
PYTHON
  cat report.json
  retry aws s3 cp --only-show-errors --content-type application/json report.json \
    "s3://${BUCKET}/${DRILLS_PREFIX}$(date --utc +%Y%m%dT%H%M%SZ).json"
}

work=$(mktemp --directory)
trap clean_up EXIT
SECONDS=0
fetch_manifest
fetch_dump
fetched=${SECONDS}
start_server
restore
restored=${SECONDS}
verify
write_report "${fetched}" "$((restored - fetched))" "$((SECONDS - restored))"
say "the dump of ${taken} was restored and is complete"
