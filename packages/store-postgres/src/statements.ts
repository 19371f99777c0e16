import { createHash } from 'node:crypto';

/** The types of the columns, as `format_type` names them. */
export interface Columns {
  sess: 'json' | 'jsonb' | 'text';
  expire: 'timestamptz' | 'timestamp' | 'bigint';
}

/** SQL that is sent under a name, so that each connection parses and plans it once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Every statement of the store, for one table. */
export interface Statements {
  readonly read: Statement;
  readonly readMany: Statement;
  readonly write: Statement;
  readonly writeMany: Statement;
  readonly replace: Statement;
  readonly replaceMany: Statement;
  readonly extend: Statement;
  readonly extendMany: Statement;
  readonly readAndExtend: Statement;
  readonly remove: Statement;
  readonly removeMany: Statement;
  readonly pageOfKeys: Statement;
  readonly pageOfRows: Statement;
  readonly count: Statement;
  readonly clearPage: Statement;
  readonly prunePage: Statement;
}

/** Stands for "never ends" in a bigint column: the last Date. */
const NEVER_MS = 8_640_000_000_000_000;

/** What differs by the type of `expire`. It is the server's clock that counts, at the moment at which a row is looked at. */
interface Clock {
  now: string;
  /** An expiry from a lifetime in ms, null for none. */
  ends(ttl: string): string;
  /** Ms that are left; null where there is no end. */
  left(expire: string): string;
}

/**
 * A timestamp without time zone is read and written in the connection's zone, as connect-pg-simple does: a comparison with
 * clock_timestamp() converts it, and so does an assignment.
 */
const TIMESTAMP: Clock = {
  now: 'clock_timestamp()',
  ends: (ttl) => `coalesce(clock_timestamp() + ${ttl} * interval '1 millisecond', 'infinity'::timestamptz)`,
  left: (expire) =>
    `CASE WHEN isfinite(${expire}) THEN (extract(epoch from ${expire}::timestamptz - clock_timestamp()) * 1000)::float8 END`,
};

const EPOCH_MS = '(extract(epoch from clock_timestamp()) * 1000)';

const BIGINT: Clock = {
  now: `${EPOCH_MS}::float8`,
  ends: (ttl) => `coalesce(ceil(${EPOCH_MS}::float8 + ${ttl})::bigint, ${NEVER_MS})`,
  left: (expire) => `CASE WHEN ${expire} < ${NEVER_MS} THEN ${expire} - ${EPOCH_MS}::float8 END`,
};

/**
 * @param table its quoted name, with its schema.
 * @param columns what its columns are.
 * @param asyncCommit which writes need not wait for the disk.
 * @param lock the number of the advisory lock under which one process prunes.
 */
export function statementsOf(
  table: string,
  columns: Columns,
  asyncCommit: { touches: boolean; writes: boolean },
  lock: string,
): Statements {
  const clock = columns.expire === 'bigint' ? BIGINT : TIMESTAMP;
  const { now } = clock;
  const left = clock.left('t.expire');
  const live = `t.expire > ${now}`;
  const later = (ttl: string) => `greatest(t.expire, ${clock.ends(ttl)})`;
  // jsonb keeps another text than it was given, and the token is the text that is kept.
  const kept = columns.sess === 'jsonb' ? 't.sess::text' : 'NULL';
  const touches = asyncCommit.touches ? COMMIT_LATER : 'true';
  const writes = asyncCommit.writes ? COMMIT_LATER : 'true';
  const ordered = (what: string) =>
    `l AS MATERIALIZED (SELECT ${what} FROM ${table} t WHERE t.sid = ANY($1::text[]) AND ${live} ORDER BY t.sid COLLATE "C" FOR UPDATE)`;

  return named({
    read: `SELECT t.sess::text, ${left} FROM ${table} t WHERE t.sid = $1 AND ${live}`,
    readMany: `SELECT t.sid, t.sess::text, ${left} FROM ${table} t WHERE t.sid = ANY($1::text[]) AND ${live}`,
    write: `INSERT INTO ${table} AS t (sid, sess, expire) SELECT $1::text, $2::${columns.sess}, ${clock.ends('$3::float8')} WHERE ${writes}
      ON CONFLICT (sid) DO UPDATE SET sess = EXCLUDED.sess, expire = EXCLUDED.expire RETURNING ${kept}`,
    // In the order of the bytes of the sids, like all that takes many rows.
    writeMany: `INSERT INTO ${table} AS t (sid, sess, expire)
      SELECT v.sid, v.payload::${columns.sess}, ${clock.ends('v.ttl')}
      FROM unnest($1::text[], $2::text[], $3::float8[]) AS v (sid, payload, ttl) WHERE ${writes} ORDER BY v.sid COLLATE "C"
      ON CONFLICT (sid) DO UPDATE SET sess = EXCLUDED.sess, expire = EXCLUDED.expire RETURNING t.sid, ${kept}`,
    // $4: true keeps the expiry where it lies later.
    replace: `WITH u AS (
        UPDATE ${table} AS t SET sess = $2::${columns.sess},
          expire = CASE WHEN $5 THEN t.expire WHEN $4 THEN ${later('$3::float8')} ELSE ${clock.ends('$3::float8')} END
        WHERE t.sid = $1 AND ${live} AND t.sess::text = $6 AND ${writes} RETURNING true AS done, ${kept} AS kept)
      SELECT u.kept, u.done, t.sess::text, ${left}
      FROM (VALUES (1)) AS one (n) LEFT JOIN u ON true LEFT JOIN ${table} t ON t.sid = $1 AND ${live}`,
    replaceMany: `WITH v AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::bool[], $5::bool[], $6::text[])
          AS v (sid, payload, ttl, longer, keep, expected)),
      ${ordered(`t.sid, t.sess::text AS payload, ${left} AS ttl`)},
      u AS (UPDATE ${table} AS t SET sess = v.payload::${columns.sess},
          expire = CASE WHEN v.keep THEN t.expire WHEN v.longer THEN ${later('v.ttl')} ELSE ${clock.ends('v.ttl')} END
        FROM v JOIN l ON l.sid = v.sid WHERE t.sid = v.sid AND l.payload = v.expected AND ${writes} RETURNING t.sid, ${kept} AS kept)
      SELECT l.sid, u.kept, u.sid IS NOT NULL AS done, l.payload, l.ttl FROM l LEFT JOIN u ON u.sid = l.sid`,
    extend: `UPDATE ${table} AS t SET expire = CASE WHEN $3 THEN ${later('$2::float8')} ELSE ${clock.ends('$2::float8')} END
      WHERE t.sid = $1 AND ${live} AND ${touches}`,
    extendMany: `WITH ${ordered('t.sid')}
      UPDATE ${table} AS t SET expire = CASE WHEN v.longer THEN ${later('v.ttl')} ELSE ${clock.ends('v.ttl')} END
      FROM unnest($1::text[], $2::float8[], $3::bool[]) AS v (sid, ttl, longer) JOIN l ON l.sid = v.sid
      WHERE t.sid = v.sid AND ${touches} RETURNING t.sid`,
    readAndExtend: `UPDATE ${table} AS t SET expire = CASE WHEN $3 THEN ${later('$2::float8')} ELSE ${clock.ends('$2::float8')} END
      WHERE t.sid = $1 AND ${live} AND ${touches} RETURNING t.sess::text, ${left}`,
    remove: `DELETE FROM ${table} AS t WHERE t.sid = $1 AND ${writes} RETURNING ${live}`,
    removeMany: `WITH ${ordered('t.sid')} DELETE FROM ${table} AS t USING l WHERE t.sid = l.sid AND ${writes} RETURNING t.sid`,
    pageOfKeys: `SELECT t.sid, ${live} FROM ${table} t WHERE t.sid > $1 ORDER BY t.sid LIMIT $2`,
    pageOfRows: `SELECT t.sid, ${live}, t.sess::text, ${left} FROM ${table} t WHERE t.sid > $1 ORDER BY t.sid LIMIT $2`,
    count: `SELECT count(*)::float8 FROM ${table} t WHERE ${live}`,
    clearPage: `WITH p AS (SELECT t.sid FROM ${table} t WHERE t.sid > $1 ORDER BY t.sid LIMIT $2),
      l AS MATERIALIZED (SELECT t.sid FROM ${table} t WHERE t.sid IN (SELECT sid FROM p) ORDER BY t.sid COLLATE "C" FOR UPDATE),
      d AS (DELETE FROM ${table} AS t USING l WHERE t.sid = l.sid)
      SELECT max(sid) FROM p`,
    prunePage: `WITH g AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(${lock}) AS got),
      p AS MATERIALIZED (SELECT t.sid FROM ${table} t WHERE t.expire <= ${now} AND (SELECT got FROM g) LIMIT $1 FOR UPDATE SKIP LOCKED)
      DELETE FROM ${table} AS t USING p WHERE t.sid = p.sid AND ${COMMIT_LATER}`,
  });
}

/** For the transaction of this one statement. A common table expression that nobody reads would be left out. */
const COMMIT_LATER = `(SELECT set_config('synchronous_commit', 'off', true)) = 'off'`;

/** A connection of a pool may have seen another table's statements, or those of another version of this store. */
function named<K extends string>(texts: Record<K, string>): Record<K, Statement> {
  const entries = Object.entries<string>(texts).map(([verb, text]): [string, Statement] => {
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
    return [verb, { name: `sessile-${verb}-${hash}`, text }];
  });
  return Object.fromEntries(entries) as Record<K, Statement>;
}

/** A name as SQL quotes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
