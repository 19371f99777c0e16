const { tmpdir } = require('node:os');
const path = require('node:path');

const scratch = path.join(tmpdir(), `sessile-egg-${process.pid}`);

module.exports = {
  keys: 'a secret',
  rundir: path.join(scratch, 'run'),
  logger: { dir: path.join(scratch, 'logs'), level: 'NONE', consoleLevel: 'NONE', coreLogger: { level: 'NONE', consoleLevel: 'NONE' } },
};
