import Fastify from 'fastify';
import cookie from '@fastify/cookie';
import session from '@fastify/session';
import sessileFastify from '@sessile/core/fastify';
import { SqliteStore } from '@sessile/store-sqlite';

const app = Fastify();
await app.register(cookie);
await app.register(session, {
  store: new SqliteStore({ file: './sessions.sqlite' }),
  secret: process.env.SESSION_SECRET ?? 'only for trying it out, 32 characters',
  cookie: { secure: 'auto', maxAge: 86_400_000 },
});
await app.register(sessileFastify);
app.get('/', async (request) => {
  request.session.views = (request.session.views ?? 0) + 1;
  return `views: ${request.session.views}`;
});
await app.listen({ port: Number(process.env.PORT ?? 3000) });
