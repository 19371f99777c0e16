import { PostgresStore } from '@sessile/store-postgres';
import { serverTarget, urlOf } from '../lib/server-target.js';
import { poolTo, rowsOf, spoilRow } from '../lib/sql.js';

const url = await urlOf('postgres');
const beside = poolTo(url);

export default serverTarget({
  name: "Sessile's PostgresStore",
  url,
  connect: poolTo,
  open: (pool, space) => new PostgresStore({ pool, table: space, timeoutMs: 1500, pruneEveryMs: false }),
  close: (store) => store.close(),
  end: (pool) => pool.end(),
  spoil: (space, sid, text) => spoilRow(beside, space, sid, text),
  rows: (space) => rowsOf(beside, space),
});
