// Migrations without a database: `up` names what it would apply, `status` names what the release has.
//
// Environment: DATABASE_URL, of which only the host is shown; SAMPLE_BACKEND_MIGRATION_FAILS, the command that fails
// (`up` or `status`), for tests.
const fs = require('node:fs');
const path = require('node:path');
const { log } = require('./logging');

/** The release's migrations, in their order. */
function migrations() {
  return fs
    .readdirSync(path.join(__dirname, '..', 'migrations'))
    .filter((name) => name.endsWith('.sql'))
    .toSorted();
}

/** @param {string} command */
function run(command) {
  const address = process.env.DATABASE_URL;
  log(`migrate ${command}`, { database: address === undefined ? 'none' : new URL(address).hostname });
  if (process.env.SAMPLE_BACKEND_MIGRATION_FAILS === command) {
    log('migration failed', { command });
    return 1;
  }
  for (const name of migrations()) {
    log(command === 'up' ? 'applied' : 'present', { migration: name });
  }
  return 0;
}

const [command] = process.argv.slice(2);
if (command !== 'up' && command !== 'status') {
  process.stderr.write('usage: migrate.js up|status\n');
  process.exit(2);
}
process.exitCode = run(command);
