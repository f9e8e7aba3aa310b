const fs = require('node:fs');
const path = require('node:path');

/**
 * What the release's manifest says of itself; a checkout has no manifest.
 *
 * @returns {{ release: string, commit: string }}
 */
function readRelease() {
  const manifest = path.join(__dirname, '..', 'release.json');
  if (!fs.existsSync(manifest)) {
    return { release: 'unreleased', commit: 'unknown' };
  }
  const { release, commit } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
  return { release, commit };
}

module.exports = { readRelease };
