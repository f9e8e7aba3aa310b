# Restores the newest dump into a PostgreSQL that is thrown away, and compares what came back with the manifest.
# Told `restored`, it looks into the instance that AWS Backup has restored for its monthly test instead, and tells AWS
# Backup the verdict: its tables, constraints and indexes are those of the newest dump, and every row can be read.
#
# BUCKET, DATABASE_PREFIX, DRILLS_PREFIX  where the dumps are, and where the report is written to
# TASK                                    `dump` or `restored`
# RESTORE_TEST_PLAN                       ARN of AWS Backup's plan; nothing without one
# shellcheck shell=bash disable=SC2154 # describe_database comes before

# One dump a day, two hours late.
readonly oldest_hours="${OLDEST_HOURS:-26}"
# AWS Backup begins within an hour, and then restores for about one.
readonly longest_wait_seconds="${LONGEST_WAIT_SECONDS:-14400}"
readonly wait_seconds="${WAIT_SECONDS:-60}"

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
  find_problems exact
}

# Compares what is there with the manifest: find_problems exact, or without the rows, which have changed since the dump.
find_problems() {
  COMPARED="$1" python3 - <<'PYTHON'
import json
import os
from pathlib import Path

exact = os.environ["COMPARED"] == "exact"
dumped = json.loads(Path("manifest.json").read_text())["database"]
restored = json.loads(Path("restored.json").read_text())
problems = []
if not restored["users"]:
    problems.append("there are no users")
for table in sorted({*dumped["rows"], *restored["rows"]}):
    before, after = dumped["rows"].get(table), restored["rows"].get(table)
    if after is None:
        problems.append(f"the table {table} is missing")
    elif exact and before != after:
        problems.append(f"the table {table} has {after} rows, and {before} were counted before the dump")
for kind in ("constraints", "indexes"):
    missing = sorted(set(dumped[kind] or ()) - set(restored[kind] or ()))
    problems += [f"missing of the {kind}: {name}" for name in missing]
# A dump makes every index anew.
invalid = (dumped if exact else restored)["invalid_indexes"]
problems += [f"the index {name} is invalid in the database" for name in invalid]
if exact and dumped["large_objects"] != restored["large_objects"]:
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

drill_dump() {
  work=$(mktemp --directory)
  trap clean_up EXIT
  SECONDS=0
  fetch_manifest
  fetch_dump
  local fetched=${SECONDS} restored
  start_server
  restore
  restored=${SECONDS}
  verify
  write_report "${fetched}" "$((restored - fetched))" "$((SECONDS - restored))"
  say "the dump of ${taken} was restored and is complete"
}

# The newest restore of the plan, when it is complete; one of last month is none.
find_restored() {
  local found state
  SECONDS=0
  while true; do
    found=$(retry aws backup list-restore-jobs --by-restore-testing-plan-arn "${RESTORE_TEST_PLAN}" \
      --by-created-after "$(date --utc --date='-1 day' +%Y-%m-%dT%H:%M:%SZ)" --output text \
      --query 'sort_by(RestoreJobs, &CreationDate)[-1].[RestoreJobId,Status,CreatedResourceArn]')
    read -r restore_job state instance <<<"${found}"
    case "${state:-}" in
      COMPLETED) break ;;
      ABORTED | FAILED) fail "AWS Backup could not restore: the job ${restore_job} is ${state}" ;;
    esac
    ((SECONDS < longest_wait_seconds)) || fail "AWS Backup has restored nothing within ${longest_wait_seconds} s"
    sleep "${wait_seconds}"
  done
  instance=${instance##*:}
}

# AWS Backup keeps the verdict with the restore, and deletes the instance after its time in any case.
tell_verdict() {
  local verdict=FAILED
  (($1 != 0)) || verdict=SUCCESSFUL
  retry aws backup put-restore-validation-result --restore-job-id "${restore_job}" --validation-status "${verdict}" \
    --validation-status-message "By the project of drills; its log says more"
  say "the verdict on ${instance} is ${verdict}"
}

drill_restored() {
  local endpoint
  find_restored
  trap 'tell_verdict $?' EXIT
  fetch_manifest
  fetch_certificates
  install_packages "postgresql$(manifest_says postgresql)"
  endpoint=$(retry aws rds describe-db-instances --db-instance-identifier "${instance}" --output text \
    --query "join(':', [DBInstances[0].Endpoint.Address, to_string(DBInstances[0].Endpoint.Port)])")
  connect_to "${endpoint}"
  ask --command="${describe_database}" >restored.json || fail "the restored database cannot be read"
  find_problems structure
  say "${instance} has every table, and all of it can be read"
}

case "${TASK:-dump}" in
  dump) drill_dump ;;
  restored) drill_restored ;;
  *) fail "there is no drill of ${TASK}" ;;
esac
