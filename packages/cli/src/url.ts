import { resolve } from 'node:path';
import { UsageError } from './errors.js';
import { nearest } from './nearest.js';

export type Kind = 'redis' | 'postgres' | 'mongo' | 'memcached' | 'sqlite';

/** A store that a URL names. */
export interface Place {
  readonly kind: Kind;
  /** `redis-cluster` and `rediss-cluster` name the nodes of a cluster. */
  readonly scheme: string;
  /** As it may be shown: without the password, and without what the client alone understands. */
  readonly label: string;
  /** As the client takes it: without our own parameters. Of `sqlite:` the path of the file. */
  readonly url: string;
  readonly hosts: readonly string[];
  /** Our own parameters, each by its name. */
  readonly options: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** What must not be shown. */
  readonly secrets: readonly string[];
  /** The server and database, which two places may share. */
  readonly site: string;
}

const SCHEMES: Readonly<Record<string, Kind>> = {
  redis: 'redis',
  rediss: 'redis',
  'redis-cluster': 'redis',
  'rediss-cluster': 'redis',
  postgres: 'postgres',
  postgresql: 'postgres',
  mongodb: 'mongo',
  'mongodb+srv': 'mongo',
  memcached: 'memcached',
  sqlite: 'sqlite',
};

/** Parameters that are ours. What else stands there is the client's, where it takes any. */
const PARAMETERS: Readonly<Record<Kind, readonly string[]>> = {
  redis: ['prefix', 'ownsDatabase'],
  postgres: ['table', 'schema', 'prepare'],
  mongo: ['collection', 'stringify'],
  memcached: ['prefix', 'ownsServer', 'maxItemBytes'],
  sqlite: ['table', 'format'],
};

/** `family` is ioredis's; it has no others that a URL could need. */
const OF_CLIENT: Readonly<Record<Kind, 'any' | readonly string[]>> = {
  redis: ['family'],
  postgres: 'any',
  mongo: 'any',
  memcached: [],
  sqlite: [],
};

export const URL_FORMS = `redis://host:6379/0?prefix=sess:         rediss:// for TLS
redis-cluster://host:7000,host:7001      rediss-cluster:// for TLS
postgres://user@host/db?table=session    also schema, prepare
mongodb://host/db?collection=sessions    also stringify; mongodb+srv://
memcached://host:11211?prefix=sess:      also ownsServer, maxItemBytes
sqlite:./sessions.sqlite                 also table, format
env:NAME                                 the URL in that variable`;

/**
 * The store that a URL names.
 *
 * @param given the URL, or `env:NAME` for one in the environment, where no list of processes shows it.
 * @throws UsageError in which no part of the URL stands that could be a password.
 */
export function placeOf(given: string, environment: NodeJS.ProcessEnv = process.env): Place {
  const text = given.startsWith('env:') ? fromEnvironment(given.slice('env:'.length), environment) : given;
  const scheme = /^([a-z0-9+-]+):/.exec(text)?.[1] ?? '';
  const kind = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (kind === undefined) throw new UsageError(`${unknownScheme(scheme)} Write one of:\n${indented(URL_FORMS)}`);
  return kind === 'sqlite' ? sqlitePlace(text) : serverPlace(kind, scheme, text);
}

function fromEnvironment(name: string, environment: NodeJS.ProcessEnv): string {
  const text = environment[name];
  if (text === undefined || text === '') throw new UsageError(`The environment has no variable ${name}. Set it to the URL of a store.`);
  return text;
}

function unknownScheme(scheme: string): string {
  const near = nearest(scheme, Object.keys(SCHEMES));
  if (scheme === '') return 'That is no URL of a store.';
  return `There is no kind of store called ${scheme}:${near === undefined ? '.' : `; is it ${near}:?`}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

/** `sqlite:./x.db`, `sqlite:/x.db`, `sqlite:///x.db`. */
function sqlitePlace(text: string): Place {
  const [path, query = ''] = split(text.slice('sqlite:'.length), '?');
  const file = decoded(path.replace(/^\/\/(?=\/)/, ''));
  if (file === '' || file.startsWith('//'))
    throw new UsageError('sqlite: needs the path of a file: sqlite:./sessions.sqlite or sqlite:/var/lib/sessions.sqlite.');
  const { options } = parametersOf('sqlite', 'sqlite', query);
  const label = `sqlite:${file}${shownQuery(options)}`;
  return {
    kind: 'sqlite',
    scheme: 'sqlite',
    label,
    url: file,
    hosts: [],
    options,
    user: undefined,
    password: undefined,
    secrets: [],
    site: `sqlite:${resolve(file)}`,
  };
}

/** Not by `URL`, which knows neither several hosts nor what a password without percent-encoding looks like. */
function serverPlace(kind: Kind, scheme: string, text: string): Place {
  const [before, query = ''] = split(text.slice(scheme.length + 1), '?');
  const { userinfo, hosts, path } = partsOf(before, scheme);
  // A password with a question mark in it.
  if (userinfo === undefined && query.includes('@')) throw unreadable(scheme);
  const [user, password] = userinfo === undefined ? [] : split(userinfo, ':');
  if (hosts === '' && kind !== 'postgres') throw new UsageError(`${scheme}: needs a host: ${scheme}://localhost.`);
  const { options, rest, secrets } = parametersOf(kind, scheme, query);
  const who = user === undefined ? '' : `${user}${password === undefined ? '' : ':***'}@`;
  return {
    kind,
    scheme,
    label: `${scheme}://${who}${hosts}${path}${shownQuery(options)}`,
    url: `${scheme}:${before}${rest === '' ? '' : `?${rest}`}`,
    hosts: hosts.split(','),
    options,
    user: user === undefined || user === '' ? undefined : decoded(user),
    password: password === undefined ? undefined : decoded(password),
    secrets: [...(password === undefined ? [] : [password, decoded(password)]), ...secrets],
    site: siteOf(kind, hosts.split(','), path),
  };
}

const PORTS: Readonly<Record<Kind, string>> = { redis: '6379', postgres: '5432', mongo: '27017', memcached: '11211', sqlite: '' };

function siteOf(kind: Kind, hosts: readonly string[], path: string): string {
  const full = hosts.map((host) => (/:\d+$/.test(host) ? host : `${host}:${PORTS[kind]}`)).sort();
  return `${kind}://${full.join(',')}${kind === 'redis' && path.length < 2 ? '/0' : path}`;
}

const HOST = /^(\[[\da-f:.%]+\]|[\w.\-%]+)(:\d+)?$/i;

/** `//user:password@host:port,host:port/path`. */
function partsOf(text: string, scheme: string): { userinfo: string | undefined; hosts: string; path: string } {
  const [, userinfo, hosts = '', path = ''] = /^\/\/(?:([^@/#]*)@)?([^@/#]*)(\/[^@#]*)?$/.exec(text) ?? [];
  const isRead = text.startsWith('//') && (hosts === '' || hosts.split(',').every((host) => HOST.test(host)));
  if (!isRead || (hosts === '' && text.includes('@', 2) && userinfo === undefined)) throw unreadable(scheme);
  return { userinfo, hosts, path };
}

/** What could not be taken apart is not shown. */
function unreadable(scheme: string): UsageError {
  const advice = 'In a user name or password, @ : / ? # and % are written as %40 %3A %2F %3F %23 and %25.';
  const form = `Write ${scheme}://user:password@host/…`;
  return new UsageError(`The ${scheme}: URL cannot be read; it is not shown, since a password may be in it. ${form} ${advice}`);
}

function parametersOf(kind: Kind, scheme: string, query: string): { options: Record<string, string>; rest: string; secrets: string[] } {
  const options: Record<string, string> = {};
  const rest: string[] = [];
  const secrets: string[] = [];
  for (const pair of query.split('&').filter(Boolean)) {
    const [name, value = ''] = split(pair, '=');
    if (PARAMETERS[kind].includes(name)) options[name] = decoded(value);
    else {
      refuseMistake(kind, scheme, name);
      rest.push(pair);
      if (/pass|secret|token|key|auth/i.test(name)) secrets.push(value, decoded(value));
    }
  }
  return { options, rest: rest.join('&'), secrets };
}

/** A prefix or table that is misspelled would name other sessions. */
function refuseMistake(kind: Kind, scheme: string, name: string): void {
  const ofClient = OF_CLIENT[kind];
  if (ofClient !== 'any' && ofClient.includes(name)) return;
  const near = nearest(name, PARAMETERS[kind]);
  if (ofClient === 'any' && near === undefined) return;
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new UsageError(`A ${scheme}: URL has no parameter ${name.slice(0, 30)}.${hint} It has: ${PARAMETERS[kind].join(', ')}.`);
}

function shownQuery(options: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** At the first occurrence; the second part is undefined where there is none. */
function split(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
