import Koa from 'koa';
import { createSession } from 'koa-session';
import { SqliteStore } from '@sessile/store-sqlite';

const app = new Koa();
app.keys = [process.env.SESSION_SECRET ?? 'only for trying it out'];
app.use(createSession({ store: new SqliteStore({ file: './sessions.sqlite' }), maxAge: 86_400_000 }, app));
app.use((ctx) => {
  ctx.session.views = (ctx.session.views ?? 0) + 1;
  ctx.body = `views: ${ctx.session.views}`;
});
app.listen(process.env.PORT ?? 3000);
