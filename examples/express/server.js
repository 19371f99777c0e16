/** Counts the visits of each visitor, who may log in and out: Express 5, sessions in a SQLite file. */
import session from '@sessile/express';
import { SqliteStore } from '@sessile/store-sqlite';
import express from 'express';

// For Redis: `import { RedisStore } from '@sessile/store-redis'`, and here `new RedisStore({ url: 'redis://localhost:6379' })`.
const store = new SqliteStore({ file: process.env.SESSIONS ?? 'sessions.sqlite' });

const app = express();
app.use(express.urlencoded());
app.use(
  session({
    store,
    // Signs the cookie. Who knows it can make cookies of their own, so a real site has its own, outside the code.
    secret: process.env.SESSION_SECRET ?? 'only for trying it out',
    // A session ends half an hour after its last request.
    cookie: { maxAge: 30 * 60_000, sameSite: 'lax', secure: 'auto' },
  }),
);

app.get('/', (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  const { views, user } = req.session;
  res.type('text').send(user === undefined ? `views: ${views}\n` : `views: ${views}, user: ${user}\n`);
});

app.post('/login', async (req, res) => {
  const user = req.body?.user;
  if (typeof user !== 'string' || user === '') {
    res.status(400).type('text').send('Send the field user.\n');
    return;
  }
  // A new id at each login: whoever knew the old one would else be logged in too. `keep` takes the data along.
  await req.session.regenerate({ keep: true });
  req.session.user = user;
  res.redirect(303, '/');
});

app.post('/logout', async (req, res) => {
  await req.session.destroy();
  res.redirect(303, '/');
});

const server = app.listen(Number(process.env.PORT ?? 3000), (error) => {
  if (error) throw error;
  console.log(`Express: http://localhost:${server.address().port}`);
});
