/** Counts the visits of each visitor, who may log in and out: node:http without a framework, sessions in a SQLite file. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import session from '@sessile/express';
import { SqliteStore } from '@sessile/store-sqlite';

const withSession = session({
  // For Redis: `import { RedisStore } from '@sessile/store-redis'`, and here `new RedisStore({ url: 'redis://localhost:6379' })`.
  store: new SqliteStore({ file: process.env.SESSIONS ?? 'sessions.sqlite' }),
  // Signs the cookie. A real site has its own, outside the code.
  secret: process.env.SESSION_SECRET ?? 'only for trying it out',
  cookie: { maxAge: 30 * 60_000, sameSite: 'lax', secure: 'auto' },
});

/** @type {Record<string, (req: any, res: import('node:http').ServerResponse) => Promise<void> | void>} */
const routes = {
  'GET /': (req, res) => {
    req.session.views = (req.session.views ?? 0) + 1;
    const { views, user } = req.session;
    res.end(user === undefined ? `views: ${views}\n` : `views: ${views}, user: ${user}\n`);
  },
  'POST /login': async (req, res) => {
    const user = new URLSearchParams(await text(req)).get('user');
    if (!user) {
      res.writeHead(400).end('Send the field user.\n');
      return;
    }
    // A new id at each login: whoever knew the old one would else be logged in too.
    await req.session.regenerate({ keep: true });
    req.session.user = user;
    res.writeHead(303, { location: '/' }).end();
  },
  'POST /logout': async (req, res) => {
    await req.session.destroy();
    res.writeHead(303, { location: '/' }).end();
  },
};

/** An error of the store, of a route, or of a save, which may come when the answer has begun. */
function failed(res, error) {
  console.error(error);
  if (!res.headersSent) res.writeHead(500).end('Something went wrong.\n');
}

const server = createServer((req, res) => {
  res.setHeader('content-type', 'text/plain; charset=utf-8');
  // The middleware is a function of request, response, and what comes next.
  withSession(req, res, async (error) => {
    if (error) return failed(res, error);
    const route = routes[`${req.method} ${req.url}`];
    if (route === undefined) return res.writeHead(404).end('There is no such page.\n');
    try {
      await route(req, res);
    } catch (thrown) {
      failed(res, thrown);
    }
  });
});
server.listen(Number(process.env.PORT ?? 3000), () => console.log(`node:http: http://localhost:${server.address().port}`));
