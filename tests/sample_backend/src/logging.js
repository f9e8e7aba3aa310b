/**
 * Write one line of JSON, as the log agent reads it.
 *
 * @param {string} message
 * @param {Record<string, string | number | boolean>} [fields]
 */
function log(message, fields = {}) {
  const line = { time: new Date().toISOString(), level: 'info', message, pid: process.pid, ...fields };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

module.exports = { log };
