import { parseArgs } from 'node:util';

export const HELP = `Usage: npm run bench -- [backend ...] [options]

Speed of the stores against the raw driver and today's stores, side by side in one process.
Backends: the files in bench/backends (all of them by default).
What sessions cost the requests of an app is measured by \`npm run bench -- http\` (\`-- http --help\`).

  --op get,set          only these: get-hit, get-miss, set-new, set-overwrite, touch, get+touch, get+set, destroy;
                        "get" and "set" stand for both of theirs
  --concurrency 1,64    calls under way at once (default 1,2,8,64)
  --rounds N            rounds per row (default 9)
  --slice MS            how long each contestant runs at a time (default 60)
  --only NAME,NAME      only contestants whose name holds one of these; raw always runs
  --bulk-size N         sessions in the bulk part (default 100000)
  --bulk-rounds N       its rounds (default 3)
  --large               a million of them, once
  --no-bulk             leave it out
  --no-footprint        leave out the memory per session (a child process each)
  --no-speed            leave out the single operations
  --quick               3 rounds of 20 ms at 1 and 64, bulk of 20000 once, footprint at 100000 only
  --smoke               shows that it runs: one round of 5 ms at 64, bulk of 2000 once, footprint at 10000 only
  --json FILE           everything measured
  --markdown FILE       the tables
  --help`;

const OPTIONS = /** @type {const} */ ({
  op: { type: 'string' },
  concurrency: { type: 'string' },
  rounds: { type: 'string' },
  slice: { type: 'string' },
  only: { type: 'string' },
  'bulk-size': { type: 'string' },
  'bulk-rounds': { type: 'string' },
  large: { type: 'boolean' },
  'no-bulk': { type: 'boolean' },
  'no-footprint': { type: 'boolean' },
  'no-speed': { type: 'boolean' },
  quick: { type: 'boolean' },
  smoke: { type: 'boolean' },
  json: { type: 'string' },
  markdown: { type: 'string' },
  help: { type: 'boolean' },
});

/**
 * @typedef {object} Settings
 * @property {string[]} backends names; empty for all.
 * @property {string[]} ops names, as typed; empty for all.
 * @property {string[]} only parts of contestants' names; empty for all.
 * @property {number[]} concurrency
 * @property {number} rounds
 * @property {number} sliceMs
 * @property {boolean} speed
 * @property {boolean} bulk
 * @property {number} bulkSize
 * @property {number} bulkRounds
 * @property {boolean} footprint
 * @property {number[]} footprintSizes
 * @property {string | undefined} json
 * @property {string | undefined} markdown
 * @property {boolean} help
 */

/**
 * What the command line asks for.
 *
 * @param {string[]} argv
 * @returns {Settings}
 * @throws {Error} with a sentence for the user.
 */
export function readArgs(argv) {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  const smoke = values.smoke === true;
  const quick = smoke || values.quick === true;
  const large = values.large === true;
  return {
    backends: positionals,
    ops: list(values.op),
    only: list(values.only),
    concurrency: list(values.concurrency ?? (smoke ? '64' : quick ? '1,64' : '1,2,8,64')).map((text) => count('concurrency', text)),
    rounds: count('rounds', values.rounds ?? (smoke ? '1' : quick ? '3' : '9')),
    sliceMs: count('slice', values.slice ?? (smoke ? '5' : quick ? '20' : '60')),
    speed: values['no-speed'] !== true,
    bulk: values['no-bulk'] !== true,
    bulkSize: count('bulk-size', values['bulk-size'] ?? (large ? '1000000' : smoke ? '2000' : quick ? '20000' : '100000')),
    bulkRounds: count('bulk-rounds', values['bulk-rounds'] ?? (quick || large ? '1' : '3')),
    footprint: values['no-footprint'] !== true,
    footprintSizes: smoke ? [10_000] : quick ? [100_000] : [100_000, 1_000_000],
    json: values.json,
    markdown: values.markdown,
    help: values.help === true,
  };
}

/** @param {string | undefined} text */
function list(text) {
  return (text ?? '').split(',').filter((part) => part !== '');
}

/**
 * @param {string} name
 * @param {string} text
 */
function count(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes whole numbers from 1, not "${text}".`);
  return number;
}
