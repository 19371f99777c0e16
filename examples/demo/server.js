#!/usr/bin/env node
/**
 * Starts the demo: reads the arguments, opens the store, listens, and closes both again on SIGINT or SIGTERM.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { createApp } from './app.js';
import { sessionSecret } from './secret.js';
import { defaultStore, openStores } from './store.js';

const usage = `Usage: npm run demo -- [options]

  --store <where>    sqlite:<file> or memory:   (default: ${defaultStore})
  --minutes <n>      how long a session lives   (default: 30)
  --help             this text

Environment: PORT (default 3000; 0: any free port), HOST (default localhost), SESSION_SECRET (default: kept beside the database).`;

const options = readOptions();
const stores = opened();
// The stores open at their first call: better to learn now than at the first visit that the file cannot be used.
await stores.merge.ping().catch((error) => fail(`The demo cannot use ${stores.name}: ${error.message}`, 1));
const demo = createApp({ stores, secret: sessionSecret(stores.file), lifetimeMs: options.lifetimeMs });
const server = createServer(demo.app);
server.once('error', (error) => fail(listenProblem(error), 1));
server.listen(options.port, options.host, () => {
  const { port } = server.address();
  console.log(`Sessile demo: http://${options.host}:${port}`);
  console.log(`Sessions are kept in ${stores.name}. Ctrl+C ends the demo.`);
});
// `once`: a second Ctrl+C finds no handler and ends the process at once.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void shutDown());

function readOptions() {
  const { values } = parsed();
  if (values.help) fail(usage, 0);
  const lifetimeMs = Math.round(Number(values.minutes) * 60_000);
  if (!(lifetimeMs >= 1000)) fail(`--minutes must be a number of at least 1/60, not "${values.minutes}".`, 2);
  const port = Number(process.env.PORT ?? 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) fail(`PORT must be 0 to 65535, not "${process.env.PORT}".`, 2);
  return { store: values.store, lifetimeMs, port, host: process.env.HOST ?? 'localhost' };
}

function opened() {
  try {
    return openStores(options.store);
  } catch (error) {
    return fail(error.message, 2);
  }
}

function parsed() {
  try {
    return parseArgs({
      options: {
        store: { type: 'string', default: defaultStore },
        minutes: { type: 'string', default: '30' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(`${error.message}\n\n${usage}`, 2);
  }
}

/** @param {NodeJS.ErrnoException} error */
function listenProblem(error) {
  if (error.code === 'EADDRINUSE') return `Port ${options.port} is taken. Choose another: PORT=3001 npm run demo`;
  return `The demo cannot listen: ${error.message}`;
}

async function shutDown() {
  demo.close();
  // Requests under way may still save their session, so the store closes after the last of them.
  const closed = once(server, 'close');
  server.close();
  // A connection that was busy just now would else be kept for the browser's next request.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearInterval(sweep);
  await stores.close();
}

/**
 * @param {string} text
 * @param {number} code
 * @returns {never}
 */
function fail(text, code) {
  (code === 0 ? console.log : console.error)(text);
  process.exit(code);
}
