// Migrates the database to the release of this image, as a job of Kubernetes: logs in with a token of IAM, which is asked
// for at each login and valid for 15 minutes. The credentials come from EKS Pod Identity. The URL is never printed.
//
// DATABASE_USER, DATABASE_NAME, DATABASE_ENDPOINT (host and port), DATABASE_OPTIONS (query string), AWS_REGION
const { spawnSync } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const told = process.env;
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function credentials() {
  const url = told.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  const headers = { Authorization: fs.readFileSync(told.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, 'utf8').trim() };
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers, timeout: 10000 }, (answer) => {
      let text = '';
      answer.on('data', (part) => (text += part));
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(`Pod Identity answers ${answer.statusCode}`))
      );
    });
    request.on('timeout', () => request.destroy(new Error('Pod Identity does not answer')));
    request.on('error', reject);
  });
}

// The token of RDS is an address, signed with AWS's version 4, without its scheme.
function token({ AccessKeyId, SecretAccessKey, Token }, now) {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${told.AWS_REGION}/rds-db/aws4_request`;
  const query = Object.entries({
    Action: 'connect',
    DBUser: told.DATABASE_USER,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${AccessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': '900',
    'X-Amz-Security-Token': Token,
    'X-Amz-SignedHeaders': 'host'
  })
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
  const request = ['GET', '/', query, `host:${told.DATABASE_ENDPOINT}`, '', 'host', sha256('')].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n');
  const key = [told.AWS_REGION, 'rds-db', 'aws4_request'].reduce(hmac, hmac(`AWS4${SecretAccessKey}`, day));
  return `${told.DATABASE_ENDPOINT}/?${query}&X-Amz-Signature=${hmac(key, text).toString('hex')}`;
}

async function run(script) {
  const password = encodeURIComponent(token(await credentials(), new Date()));
  const login = `${told.DATABASE_USER}:${password}@${told.DATABASE_ENDPOINT}`;
  const url = `postgresql://${login}/${told.DATABASE_NAME}?${told.DATABASE_OPTIONS}`;
  console.log(`migrate: npm run ${script}`);
  const ended = spawnSync('npm', ['run', script], { stdio: 'inherit', env: { ...told, DATABASE_URL: url } });
  if (ended.status !== 0) throw new Error(`npm run ${script} ended with ${ended.status ?? ended.signal ?? ended.error?.code}`);
}

async function main() {
  await run('migrate:production');
  await run('migrate:status');
  console.log('migrate: succeeded');
}

if (require.main === module) {
  main().catch((error) => {
    console.error(`migrate: ${error.message}`);
    process.exitCode = 1;
  });
}
module.exports = { token };
