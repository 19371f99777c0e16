import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import { serverTarget, urlOf } from '../lib/server-target.js';
import { poolTo, rowsOf, spoilRow } from '../lib/sql.js';

const url = await urlOf('postgres');
const beside = poolTo(url);
const PgStore = connectPgSimple(session);

/** As its table.sql, which names the primary key alike for every table: so a database would hold one. */
const table = (name) => `CREATE TABLE IF NOT EXISTS ${name} (
  sid varchar NOT NULL COLLATE "default" PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`;

export default serverTarget({
  name: 'connect-pg-simple',
  url,
  connect: poolTo,
  async open(pool, space) {
    await beside.query(table(space));
    return new PgStore({ pool, tableName: space });
  },
  close: (store) => store.close(),
  end: (pool) => pool.end(),
  spoil: (space, sid, text) => spoilRow(beside, space, sid, text),
  rows: (space) => rowsOf(beside, space),
});
