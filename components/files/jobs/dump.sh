# Dumps the database into the bucket, from the replica, without a copy on a disk. The manifest, written last, makes a
# backup of the dump: an upload that breaks off leaves an object that looks complete.
#
# REPLICA_ENDPOINT, DATABASE_ENDPOINT  host and port of the replica, and of the primary
# BUCKET, DATABASE_PREFIX              where the dump is written to
# POSTGRESQL_VERSION                   major version of the client: the server's, or a later one
# shellcheck shell=bash disable=SC2154 # describe_database comes before

readonly most_lag_seconds=3600
# Waiting for a migration's lock, the dump would make everybody behind it wait as well.
readonly lock_wait=60s

# What pg_dump would leave out, or fail on in the middle of the night, is said before it begins.
require_complete() {
  local hidden
  hidden=$(ask --command="
    SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text) FROM pg_class c, pg_roles r
    WHERE c.relrowsecurity AND r.rolname = current_user AND NOT r.rolbypassrls AND NOT r.rolsuper
      AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE'))") || return
  [[ -z "${hidden}" ]] || fail "${PGUSER} does not see every row of ${hidden}: row-level security is on; give it BYPASSRLS"
}

# The right to read all data does not include large objects.
require_readable() {
  local unreadable
  unreadable=$(ask --command="
    SELECT count(*) FROM pg_largeobject_metadata o WHERE NOT pg_has_role(o.lomowner, 'USAGE') AND NOT EXISTS (
      SELECT FROM aclexplode(o.lomacl) a
      WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))") || return
  ((unreadable == 0)) || fail "${PGUSER} may not read ${unreadable} large objects; GRANT SELECT ON LARGE OBJECT to it"
}

# A replica that has stopped would dump an old database without a word.
require_fresh() {
  local lag
  lag=$(ask --command="
    SELECT CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
      THEN coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp())::bigint, ${most_lag_seconds} + 1)
      WHEN pg_is_in_recovery() AND NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN ${most_lag_seconds} + 1
      ELSE 0 END") || return
  ((lag <= most_lag_seconds)) || {
    say "${PGHOST} is ${lag} s behind, or does not follow" >&2
    return 1
  }
}

# Runs inside the transaction whose snapshot the manifest describes.
stream_dump() {
  set -euo pipefail
  local hasher
  exec 3> >(sha256sum | cut -d ' ' -f 1 >sha256)
  hasher=$!
  pg_dump --format=custom --compress=6 --snapshot="${SNAPSHOT}" --lock-wait-timeout="${lock_wait}" |
    tee /dev/fd/3 |
    aws s3 cp --only-show-errors --expected-size "${EXPECTED_BYTES}" - "s3://${BUCKET}/${KEY}.dump"
  exec 3>&-
  wait "${hasher}"
  touch streamed
}
# psql starts it through a shell that does not know bash's functions.
STREAM_DUMP="$(declare -f stream_dump)"$'\n'"stream_dump"
export STREAM_DUMP lock_wait

# Bash ignores `set -e` in a function whose failure somebody handles, so each step says that it ends it.
dump_from() {
  connect_to "$1"
  require_fresh || return
  require_complete || return
  require_readable || return
  rm -f streamed
  # Of the whole database, uncompressed. The upload needs to know when it will be larger than 50 GB.
  EXPECTED_BYTES=$(ask --command="SELECT 2 * pg_database_size(current_database())") || return
  export EXPECTED_BYTES
  say "dumping ${PGDATABASE} from ${PGHOST}"
  ask >/dev/null <<SQL || return
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = 0;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\o database.json
${describe_database};
\o server
SELECT current_setting('server_version_num')::int / 10000, pg_database_size(current_database());
\o
\! bash -c "\${STREAM_DUMP}"
COMMIT;
SQL
  [[ -e streamed ]]
}

write_manifest() {
  python3 - >manifest.json <<'PYTHON'
import json
import os
from pathlib import Path

version, size = Path("server").read_text().strip().split("|")
manifest = {
    "dump": os.environ["KEY"] + ".dump",
    "taken": os.environ["TAKEN"],
    "source": os.environ["PGHOST"],
    "sha256": Path("sha256").read_text().strip(),
    "postgresql": int(version),
    "database_bytes": int(size),
    "database": json.loads(Path("database.json").read_text()),
}
print(json.dumps(manifest, indent=2))
PYTHON
  retry aws s3 cp --only-show-errors --content-type application/json manifest.json "s3://${BUCKET}/${KEY}.json"
}

install_packages "postgresql${POSTGRESQL_VERSION}"
fetch_certificates
TAKEN=$(date --utc +%Y-%m-%dT%H:%M:%SZ)
KEY="${DATABASE_PREFIX}${TAKEN//[:-]/}"
export TAKEN KEY
# A query on the replica is cancelled when it is too long in the way of what the primary has removed.
dump_from "${REPLICA_ENDPOINT}" || dump_from "${REPLICA_ENDPOINT}" || dump_from "${DATABASE_ENDPOINT}" ||
  fail "neither the replica nor the primary could be dumped"
write_manifest
say "wrote ${KEY}.dump and its manifest: $(python3 -c 'import json; m = json.load(open("manifest.json")); print(
  m["database"]["users"], "users,", len(m["database"]["rows"]), "tables")')"
