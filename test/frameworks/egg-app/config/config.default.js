const path = require('node:path');

const scratch = path.join(__dirname, '../../../../node_modules/.cache/egg-app');

module.exports = {
  keys: 'a secret',
  rundir: path.join(scratch, 'run'),
  logger: {
    dir: path.join(scratch, 'logs'),
    level: 'NONE',
    consoleLevel: 'NONE',
    coreLogger: { level: 'NONE', consoleLevel: 'NONE' },
  },
};
