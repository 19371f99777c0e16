import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StoreError } from '@sessile/core';
import { Absent, CliError } from '../errors.js';
import type { Kind, Place } from '../url.js';

/** What each kind of store needs: its package, and the client beside it. */
const NEEDS: Readonly<Record<Kind, { readonly store: string; readonly client: string }>> = {
  redis: { store: '@sessile/store-redis', client: 'ioredis' },
  postgres: { store: '@sessile/store-postgres', client: 'pg' },
  mongo: { store: '@sessile/store-mongo', client: 'mongodb' },
  memcached: { store: '@sessile/store-memcached', client: 'memcached' },
  sqlite: { store: '@sessile/store-sqlite', client: 'better-sqlite3' },
};

/** The user's project first: under npx this package lies in a folder of its own. */
function places(): NodeJS.Require[] {
  return [createRequire(join(process.cwd(), 'package.json')), createRequire(import.meta.url)];
}

/**
 * The package of a kind of store.
 *
 * @throws CliError that names what to install.
 */
export async function loadStore(kind: Kind): Promise<unknown> {
  const path = found(NEEDS[kind].store, places());
  if (path === undefined) throw missing(kind);
  return import(pathToFileURL(path).href);
}

/**
 * The client of a kind of store, the very copy that the store's package uses.
 *
 * @throws CliError that names what to install.
 */
export function loadClient(kind: Kind): unknown {
  const store = found(NEEDS[kind].store, places());
  const from = store === undefined ? places() : [createRequire(store), ...places()];
  const path = found(NEEDS[kind].client, from);
  if (path === undefined) throw missing(kind);
  return createRequire(path)(path);
}

function found(name: string, places: readonly NodeJS.Require[]): string | undefined {
  for (const place of places) {
    try {
      return place.resolve(name);
    } catch {
      // Perhaps in the next place.
    }
  }
  return undefined;
}

/** What stores say to programmers, in the words of a command line; undefined where it needs none. */
export function explained(error: unknown, { kind }: Place): CliError | undefined {
  if (!StoreError.isInstance(error)) return undefined;
  const { code, message } = error;
  if (code === 'ERR_STORE_UNSUPPORTED' && /^The package \S+ is missing/.test(message)) return missing(kind);
  if (code === 'ERR_STORE_SCHEMA' && message.includes('does not exist')) return new Absent(`${message.split('. ')[0]}. ${TABLE_ADVICE}`);
  if (code !== 'ERR_STORE_UNSUPPORTED') return undefined;
  if (/^With(?:out a| an empty) prefix/.test(message))
    return new CliError(kind === 'redis' ? PREFIX_ADVICE : PREFIX_ADVICE.replace('ownsDatabase', 'ownsServer'));
  return message.includes('part of a cluster') ? new CliError(CLUSTER_ADVICE) : undefined;
}

const TABLE_ADVICE = 'Name another one: ?table=NAME, and schema=NAME where it is in no schema of the search_path.';
const PREFIX_ADVICE =
  'Without a prefix, sessions cannot be told from other keys. Add ?prefix=…, or ownsDatabase=true where nothing else is there.';
const CLUSTER_ADVICE =
  'The server is part of a cluster. Write redis-cluster://host:port,host:port in place of redis:// (rediss-cluster:// for TLS).';

function missing(kind: Kind): CliError {
  const { store, client } = NEEDS[kind];
  return new CliError(`A ${kind} URL needs the packages ${store} and ${client}. Run: npm install ${store} ${client}`);
}
