/** One app with one middleware, or none, in a process of its own: `node server.js FRAMEWORK MIDDLEWARE STORE [REDIS_URL]`. */
import { Pool } from '../lib/sessions.js';

const [, , framework = 'express', middleware = 'none', store = 'memory', url = ''] = process.argv;
const SESSIONS = 500;

const pool = new Pool(SESSIONS);
let made = 0;

/** What a visitor who logs in gets: a session of its own. */
function nextSession() {
  made += 1;
  return Object.assign({}, pool.session(made), { cookie: undefined, n: 0 });
}

const { start } = await import(`./apps/${framework}.js`);
const port = await start({ middleware, store, url, nextSession });
process.send?.({ port });
process.on('disconnect', () => process.exit());
