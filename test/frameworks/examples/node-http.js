import { createServer } from 'node:http';
import session from 'express-session';
import { SqliteStore } from '@sessile/store-sqlite';

const withSession = session({
  store: new SqliteStore({ file: './sessions.sqlite' }),
  secret: process.env.SESSION_SECRET ?? 'only for trying it out',
  resave: false,
  saveUninitialized: false,
  cookie: { maxAge: 86_400_000 },
});

/** A save that fails does so when the answer has begun. */
function failed(error, res) {
  console.error(error.message);
  if (!res.headersSent) res.writeHead(500).end();
}

const server = createServer((req, res) => {
  withSession(req, res, (error) => {
    if (error) return failed(error, res);
    req.session.views = (req.session.views ?? 0) + 1;
    res.end(`views: ${req.session.views}`);
  });
});
server.listen(process.env.PORT ?? 3000);
