import pg from 'pg';

/** Works on a PostgreSQL server, as another program could. Connections end by themselves. */
export function poolTo(url) {
  return new pg.Pool({ connectionString: url, allowExitOnIdle: true }).on('error', () => undefined);
}

/** How many rows a table has. */
export async function rowsOf(pool, table) {
  const { rows } = await pool.query(`SELECT count(*)::int AS count FROM ${table}`);
  return rows[0].count;
}

/** Puts a text in place of a session. False where the column cannot hold it. */
export async function spoilRow(pool, table, sid, text) {
  const { rowCount } = await pool.query(`UPDATE ${table} SET sess = $2 WHERE sid = $1`, [sid, text]).catch(() => ({ rowCount: 0 }));
  return rowCount === 1;
}
