/** Counts the visits of each visitor, who may log in and out: Fastify 5 and @fastify/session, sessions in a SQLite file. */
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import session from '@fastify/session';
import sessileFastify from '@sessile/core/fastify';
import { SqliteStore } from '@sessile/store-sqlite';
import Fastify from 'fastify';

const app = Fastify();
await app.register(formbody);
await app.register(cookie);
await app.register(session, {
  // For Redis: `import { RedisStore } from '@sessile/store-redis'`, and here `new RedisStore({ url: 'redis://localhost:6379' })`.
  store: new SqliteStore({ file: process.env.SESSIONS ?? 'sessions.sqlite' }),
  // Signs the cookie. A real site has its own, of 32 characters or more, outside the code.
  secret: process.env.SESSION_SECRET ?? 'only for trying it out, 32 characters',
  saveUninitialized: false,
  cookie: { maxAge: 30 * 60_000, sameSite: 'lax', secure: 'auto' },
});
// After @fastify/session, which copies what it loads: this tells the store of the copy, so that parallel requests merge.
await app.register(sessileFastify);

app.get('/', async (request) => {
  request.session.views = (request.session.views ?? 0) + 1;
  const { views, user } = request.session;
  return user === undefined ? `views: ${views}\n` : `views: ${views}, user: ${user}\n`;
});

const form = { type: 'object', required: ['user'], properties: { user: { type: 'string', minLength: 1 } } };

app.post('/login', { schema: { body: form } }, async (request, reply) => {
  // A new id at each login: whoever knew the old one would else be logged in too. The named fields come along.
  await request.session.regenerate(['views']);
  request.session.user = request.body.user;
  return reply.redirect('/', 303);
});

app.post('/logout', async (request, reply) => {
  await request.session.destroy();
  return reply.redirect('/', 303);
});

await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`Fastify: http://localhost:${app.server.address().port}`);
