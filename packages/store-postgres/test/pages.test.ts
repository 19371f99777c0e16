import { PostgresStore } from '@sessile/store-postgres';
import { backend, blocksOf, namespace } from '@sessile/testkit';
import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import pg from 'pg';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';

const postgres = await backend('postgres');
const pool = new pg.Pool({ connectionString: postgres.url, max: 4 });
afterAll(() => pool.end());

const PEERS_TABLE = 'CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)';
const PAGES = ['packages/store-postgres/README.md', 'docs/operating/postgres.md', 'docs/migrating/from-connect-pg-simple.md'];
const BLOCKS = PAGES.flatMap((page) => blocksOf(page, ['sql']).map(({ code }) => ({ page, code })));

/** A schema of its own, with a table as the peer makes it, unless the page makes one. */
async function schemaFor(code: string): Promise<{ schema: string; own: pg.Pool }> {
  const schema = namespace();
  await pool.query(`CREATE SCHEMA ${schema}`);
  const own = new pg.Pool({ connectionString: postgres.url, max: 1, options: `-c search_path=${schema} -c TimeZone=UTC` });
  onTestFinished(() => own.end());
  if (!code.includes('CREATE TABLE')) await own.query(PEERS_TABLE);
  return { schema, own };
}

describe.skipIf(postgres.skip !== undefined)(`the SQL of the pages (${postgres.skip ?? postgres.from})`, () => {
  it.each(BLOCKS)('$page: $code', async ({ code }) => {
    // That a timestamp has no zone is worth a warning, which has a test of its own.
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => warned.mockRestore());
    const { schema, own } = await schemaFor(code);
    // One by one: several in one question are a transaction, in which no index is made concurrently.
    for (const statement of code.split(/;\s*\n/)) if (statement.trim() !== '') await own.query(statement);
    const ours = new PostgresStore({ pool: own, schema, createTable: false, pruneEveryMs: false });
    onTestFinished(() => ours.close());
    await ours.set('s', { cookie: { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000) }, user: 'ada' });
    const theirs = new (connectPgSimple(session))({ pool: own, pruneSessionInterval: false });
    const seen = await new Promise((resolve) => theirs.get('s', (_error, found) => resolve(found)));
    expect(seen).toMatchObject({ user: 'ada' });
  });
});
