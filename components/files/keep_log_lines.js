// Loaded into each worker before PM2's own code. After a rotation `pm2 reloadLogs` destroys the stream of a log, and with
// it the lines that wait to be written: measured, 19 of 40,000 in six rotations. Here they are written first.
const fs = require('fs');

const open = fs.createWriteStream;
fs.createWriteStream = function createWriteStream(path, options) {
  const stream = open.call(this, path, options);
  if (String(path).startsWith('/var/log/fixrx/')) {
    const { destroy } = stream;
    stream.destroy = (error) => {
      if (error || stream.writableFinished) return destroy.call(stream, error);
      return stream.end();
    };
  }
  return stream;
};
