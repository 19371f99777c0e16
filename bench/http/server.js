/** One app with one middleware, or none, in a process of its own: `node server.js FRAMEWORK MIDDLEWARE PLACE [REDIS_URL]`. */
import { createServer } from 'node:http';
import { Pool } from '../lib/sessions.js';

const [, , framework = 'express', middleware = 'none', place = 'memory', redisUrl] = process.argv;
const pool = new Pool(500);
let made = 0;

/** The session after a login, without the cookie that express-session keeps in it. */
function newData() {
  const { cookie: _, ...data } = pool.session((made += 1));
  return { ...data, n: 0 };
}

const { makeApp } = await import(`./apps/${framework}.js`);
const app = await makeApp({ middleware, place, redisUrl, prefix: `bench-http-${process.pid}:`, newData });

const server = createServer((request, response) => {
  if (request.url === '/usage') response.end(JSON.stringify(process.cpuUsage()));
  else app(request, response);
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
process.on('disconnect', () => process.exit());
