import express from 'express';
import session from 'express-session';
import { SqliteStore } from '@sessile/store-sqlite';

const app = express();
app.use(
  session({
    store: new SqliteStore({ file: './sessions.sqlite' }),
    secret: process.env.SESSION_SECRET ?? 'only for trying it out',
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 86_400_000 },
  }),
);
app.get('/', (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  res.send(`views: ${req.session.views}`);
});
app.listen(process.env.PORT ?? 3000);
