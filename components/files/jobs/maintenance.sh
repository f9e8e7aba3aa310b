# The guide's weekly VACUUM and monthly REINDEX, without their locks: the API goes on meanwhile.
#
# TASK               `weekly` or `monthly`
# MINUTES            how long it may take; it stops before, and goes on next time
# DATABASE_ENDPOINT  host and port
# STORAGE_GIB        of the database's instance
# POSTGRESQL_VERSION major version of the client
# shellcheck shell=bash

# The last five minutes of a window are for what is under way.
readonly deadline=$((SECONDS + (MINUTES - 5) * 60))
# Who waits longer for a lock makes everybody behind him wait as well.
readonly lock_timeout=3s

has_time() {
  ((SECONDS < deadline)) || {
    say "the time is over; the rest is left for the next time"
    return 1
  }
}

# Calls a function with the words of each line, while there is time.
for_each_line() {
  local lines=$1 line
  [[ -n "${lines}" ]] || return 0
  while IFS="|" read -r -a line; do
    has_time || return 0
    "$2" "${line[@]}"
  done <<<"${lines}"
}

# A command of the database without a transaction and without a time limit of its own.
run_statement() {
  say "$1"
  PGOPTIONS="-c statement_timeout=0 -c lock_timeout=${lock_timeout}" ask --command="$1" || {
    say "failed: $1" >&2
    failed=$((failed + 1))
  }
}

vacuum_table() {
  run_statement "VACUUM (ANALYZE, TRUNCATE FALSE) $1"
}

# Tables with more than 1 % of dead rows, and those without statistics. A guide's VACUUM of everything reads everything.
# TRUNCATE would lock the table, on the replica as well, against all readers.
vacuum_tables() {
  local tables
  tables=$(ask --command="
    SELECT relid::regclass FROM pg_stat_user_tables
    WHERE n_dead_tup > 0.01 * n_live_tup OR n_mod_since_analyze > 0.1 * n_live_tup
      OR coalesce(last_analyze, last_autoanalyze) IS NULL
    ORDER BY n_dead_tup DESC, 1")
  for_each_line "${tables}" vacuum_table
}

drop_index() {
  run_statement "DROP INDEX CONCURRENTLY $1"
}

# What a REINDEX CONCURRENTLY that broke off has left: an index that only costs.
drop_leftovers() {
  local indexes
  indexes=$(ask --command="
    SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE NOT indisvalid AND relname ~ '_cc(new|old)[0-9]*\$'")
  for_each_line "${indexes}" drop_index
}

reindex() {
  local index=$1 bytes=$2 used
  used=$(ask --command="SELECT pg_database_size(current_database())")
  if ((3 * bytes > STORAGE_GIB * 1024 ** 3 - used)); then
    say "no room for another ${index} of ${bytes} bytes"
    return
  fi
  run_statement "REINDEX INDEX CONCURRENTLY ${index}"
}

# Indexes of which 30 % is empty, the largest first; a new one needs its room beside the old one.
reindex_bloated() {
  local indexes
  indexes=$(ask --command="
    WITH trees AS MATERIALIZED (
      SELECT i.indexrelid AS tree, pg_relation_size(i.indexrelid) AS bytes
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
      WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p' AND i.indisvalid
        AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
        AND pg_relation_size(i.indexrelid) > 1024 ^ 2)
    SELECT tree::regclass, bytes FROM trees WHERE (pgstatindex(tree::regclass)).avg_leaf_density < 63
    ORDER BY bytes DESC")
  for_each_line "${indexes}" reindex
}

# The guide's list of slow queries; its column names are those of PostgreSQL 12.
report_statements() {
  say "the ten statements that take most of the time: calls, total ms, mean ms, statement"
  ask --command="
    SELECT calls, round(total_exec_time), round(mean_exec_time::numeric, 1), left(regexp_replace(query, '\s+', ' ', 'g'), 200)
    FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 10" ||
    say "pg_stat_statements is not there: CREATE EXTENSION pg_stat_statements"
}

failed=0
install_packages "postgresql${POSTGRESQL_VERSION}"
fetch_certificates
connect_to "${DATABASE_ENDPOINT}"
case "${TASK}" in
  weekly)
    vacuum_tables
    report_statements
    ;;
  monthly)
    drop_leftovers
    reindex_bloated
    ;;
  *) fail "TASK is ${TASK}, not weekly or monthly" ;;
esac
((failed == 0)) || fail "${failed} statements failed"
say "${TASK} maintenance is done"
