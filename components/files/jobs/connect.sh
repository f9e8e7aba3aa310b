# How a job logs in to the database of the platform.
#
# DATABASE_USER, DATABASE_NAME  the role of the job, and the database
# shellcheck shell=bash

# Where psql and its like connect: connect_to HOST:PORT. Without a password, with a token of IAM that is valid for 15
# minutes and asked for at the login only. In the environment, because everybody can read the command line of a process.
connect_to() {
  export PGHOST="${1%:*}" PGPORT="${1##*:}" PGUSER="${DATABASE_USER}" PGDATABASE="${DATABASE_NAME}"
  export PGSSLMODE=verify-full PGSSLROOTCERT="${CA_BUNDLE_PATH}" PGPASSWORD
  PGPASSWORD=$(new_token) || fail "there is no token for ${PGUSER}"
}

new_token() {
  aws rds generate-db-auth-token --hostname "${PGHOST}" --port "${PGPORT}" --username "${PGUSER}"
}
