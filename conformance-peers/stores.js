/**
 * What is run, and what a reader must know of it.
 *
 * @typedef {object} Entry
 * @property {string} slug the name of its page, and of its target in `targets/`.
 * @property {string} short as it stands over a column.
 * @property {string} package where the version is read from.
 * @property {readonly string[]} [beside] packages whose version matters as well.
 * @property {'redis' | 'postgres' | 'mongo' | 'memcached'} [server] the server that it needs.
 * @property {boolean} [compiled] its packages are those of `compiled/`.
 * @property {string} setUp how it was set up, in a few words.
 * @property {readonly string[]} notes what the numbers do not say.
 * @property {{ target: string, only: readonly string[] }} [asItIs] checks that are asked of a target of their own.
 * @property {Readonly<Record<string, string>>} [notAsked] checks that would be unfair to it, each with the reason.
 */

const KOA_NOTES = [
  'It is called as koa-session calls it: `changed` and `rolling` beside each save, `_expire` and `_maxAge` (or `_session`) in it.',
  'koa-session itself refuses a session whose `_expire` has passed, and copies the top level of what it loads and saves. The kit asks the store alone.',
  'Its values stay live objects in memory. A process that never restarts sees Dates as Dates; a store on a server would give texts.',
];

const NOT_GENERIC = 'the store is made for koa-session, and not for koa-generic-session';
const KOA_NOT_ASKED = { 'MID-7.b': NOT_GENERIC, 'MID-8.b': NOT_GENERIC, 'MID-9.b': NOT_GENERIC };

const NO_CALLBACK = 'its close() returns a promise, and takes no callback';
const CLOSE_NOT_ASKED = { 'LIF-1': NO_CALLBACK, 'LIF-2': NO_CALLBACK, 'LIF-3': NO_CALLBACK };

/** @type {readonly Entry[]} */
export const stores = [
  {
    slug: 'express-session-memory',
    short: 'express-session MemoryStore',
    package: 'express-session',
    setUp: '`new session.MemoryStore()`, no options',
    notes: ['Its page says that it is made for development, and not for production.'],
  },
  {
    slug: 'memorystore',
    short: 'memorystore',
    package: 'memorystore',
    beside: ['express-session'],
    setUp: 'as its page shows, with `checkPeriod` of a day',
    notes: ['With express-session the cookie always has `maxAge`; TTL-6 also asks of a cookie that is plain JSON, as `get` returns it.'],
  },
  {
    slug: 'better-sqlite3-session-store',
    short: 'better-sqlite3-session-store',
    package: 'better-sqlite3-session-store',
    beside: ['better-sqlite3', 'express-session'],
    setUp: 'as its page shows, on a file of its own, `expired: { clear: true, intervalMs: 900000 }`',
    notes: [
      'It counts lifetimes in whole seconds, rounded down, which is what TTL-2 and TTL-3 see.',
      '`all()` gives rows of the table (`sid`, `sess`, `expire`), which fails several rules at once: ALL-1, ALL-4, MDL-3.',
      'Callbacks are called before the method returns, which is what CB-2 sees.',
      'It has one table name, so rules about neighbours cannot be asked.',
    ],
  },
  {
    slug: 'connect-sqlite3',
    short: 'connect-sqlite3',
    package: 'connect-sqlite3',
    beside: ['sqlite3', 'express-session'],
    compiled: true,
    setUp: '`new SQLiteStore({ dir, db })`, on a file of its own',
    notes: [
      'Its package sqlite3 has a native part, which is compiled for this run.',
      'What is thrown inside a callback of sqlite3 (a corrupted value, a callback that is missing) reaches nobody, and would end the process. The kit lives on, and the call never answers: that is what ALL-4, CB-3, ERR-5 and ERR-6 see.',
      '`all()` gives sessions without their sid, which fails several rules at once: ALL-1, ALL-2, ALL-3, CLR-4, MDL-1, MDL-2.',
      'sqlite3 runs statements side by side, which is what ORD-1, ORD-2 and MDL-3 see.',
    ],
  },
  {
    slug: 'session-file-store',
    short: 'session-file-store',
    package: 'session-file-store',
    beside: ['express-session'],
    setUp: 'as its page shows, on a folder of its own, with a silent `logFn`',
    notes: [
      'It keeps `__lastAccess` in the session. That would fail nearly every check, so it is asked once, of the store as it is (GET-3, SET-3); for all others the target takes it off.',
      'It answers ENOENT for a missing session. express-session takes that for "no session", and so does the kit, but for GET-1.b.',
      'The retries (five in 250 ms) are its default. Option `retries: 0` makes a missing session fast.',
    ],
    asItIs: { target: 'session-file-store.plain', only: ['GET-3', 'SET-3'] },
  },
  {
    slug: 'koa-session-local',
    short: 'koa-session-local',
    package: 'koa-session-local',
    setUp: '`new LocalSessionStore()`, no options, called as koa-session calls it',
    notes: ['Its page says that it is meant for testing and development.', ...KOA_NOTES],
    notAsked: KOA_NOT_ASKED,
  },
  {
    slug: 'koa-session-memory',
    short: 'koa-session-memory',
    package: 'koa-session-memory',
    setUp: '`new MemoryStore()`, no options, called as koa-session calls it',
    notes: KOA_NOTES,
    notAsked: KOA_NOT_ASKED,
  },
  {
    slug: 'sessile-memory',
    short: 'Sessile MemoryStore',
    package: '@sessile/store-memory',
    setUp: '`new MemoryStore()`, no options',
    notes: ['The contract and the kit were written beside this store.'],
  },
  {
    slug: 'sessile-sqlite',
    short: 'Sessile SqliteStore',
    package: '@sessile/store-sqlite',
    beside: ['better-sqlite3'],
    setUp: '`new SqliteStore({ file, table })`, on a file of its own',
    notes: ['The contract and the kit were written beside this store.'],
  },
  {
    slug: 'sessile-file',
    short: 'Sessile FileStore (example)',
    package: '@sessile-example/store-file',
    setUp: '`new FileStore({ folder })`, on a folder of its own',
    notes: [
      'It is an example, and not published. Its page says that it is safe within one store object only: that is what the checks with two store objects see.',
      'The contract and the kit were written beside this store.',
    ],
  },
  {
    slug: 'connect-redis',
    short: 'connect-redis',
    package: 'connect-redis',
    beside: ['redis', 'express-session'],
    server: 'redis',
    setUp: '`new RedisStore({ client, prefix })`, with a client of redis',
    notes: [
      'It counts lifetimes in whole seconds, rounded up.',
      'What happens when Redis is away is a matter of the client and its options: ERR-3 sees the defaults.',
      '`all()` puts the id of a session into its key `id`.',
    ],
  },
  {
    slug: 'koa-redis',
    short: 'koa-redis',
    package: 'koa-redis',
    beside: ['ioredis'],
    server: 'redis',
    setUp: '`koaRedis({ url, keyPrefix })`: `keyPrefix`, an option of ioredis, keeps the checks apart',
    notes: [
      'It is made for koa-generic-session, and used with koa-session too. It is asked as it is, with the lifetime in ms as third argument.',
      'It has `get`, `set` and `destroy` alone; koa-generic-session and koa-session ask for no more.',
    ],
  },
  {
    slug: 'connect-pg-simple',
    short: 'connect-pg-simple',
    package: 'connect-pg-simple',
    beside: ['pg', 'express-session'],
    server: 'postgres',
    setUp: '`new PgStore({ pool, tableName })`, on a table as its table.sql makes it',
    notes: [
      'It counts lifetimes in whole seconds, rounded up.',
      'It has no `all`, `length` and `clear`: those rules were not asked.',
      'All connections have one TimeZone. What its `timestamp` column does with several is not seen here.',
    ],
    notAsked: CLOSE_NOT_ASKED,
  },
  {
    slug: 'connect-mongo',
    short: 'connect-mongo',
    package: 'connect-mongo',
    beside: ['mongodb', 'express-session'],
    server: 'mongo',
    setUp: '`MongoStore.create({ client, dbName, collectionName })`, with `serverSelectionTimeoutMS` of 1,500 for the client',
    notes: [
      "The server is FerretDB, which speaks MongoDB's protocol over PostgreSQL. On MongoDB itself races may end otherwise.",
      '`all()` gives sessions without their ids, which several rules see.',
    ],
    notAsked: CLOSE_NOT_ASKED,
  },
  {
    slug: 'connect-memcached',
    short: 'connect-memcached',
    package: 'connect-memcached',
    beside: ['memcached', 'express-session'],
    server: 'memcached',
    setUp: '`new MemcachedStore({ client, prefix })`, with a client of memcached',
    notes: [
      'It counts lifetimes in whole seconds, rounded down, and memcached takes more than 30 days for a date: TTL-2, TTL-3 and MID-9 see that.',
      'A key may not have spaces: TTL-5 has one, and saw nothing but that.',
      '`length()` gives statistics of slabs, and `clear()` empties the server: LEN-1 and CLR-2 see that.',
    ],
  },
  ...[
    { slug: 'redis', short: 'RedisStore', beside: ['ioredis'], setUp: '`new RedisStore({ url, prefix, timeoutMs: 1500 })`' },
    { slug: 'postgres', short: 'PostgresStore', beside: ['pg'], setUp: '`new PostgresStore({ pool, table, timeoutMs: 1500 })`' },
    {
      slug: 'mongo',
      short: 'MongoStore',
      beside: ['mongodb'],
      setUp:
        '`new MongoStore({ client, database, collectionName, timeoutMs: 4000 })`, with `serverSelectionTimeoutMS` of 1,500 for the client',
    },
    {
      slug: 'memcached',
      short: 'MemcachedStore',
      beside: ['memcached'],
      setUp: '`new MemcachedStore({ hosts, prefix, timeoutMs: 1500 })`',
    },
  ].map(({ slug, short, beside, setUp }) => ({
    slug: `sessile-${slug}`,
    short: `Sessile ${short}`,
    package: `@sessile/store-${slug}`,
    beside,
    server: /** @type {'redis' | 'postgres' | 'mongo' | 'memcached'} */ (slug),
    setUp,
    notes: ['The contract and the kit were written beside this store.'],
  })),
];
