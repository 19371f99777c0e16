import { createRequire } from 'node:module';
import { session } from '@sessile/koa';
import { MemoryStore } from '@sessile/store-memory';
import { SqliteStore } from '@sessile/store-sqlite';
import { type Answer, Client, serve } from '@sessile/testkit';
import { CookieJar } from 'tough-cookie';
import { afterEach } from 'vitest';

const require = createRequire(import.meta.url);

/** Both Koas that are in use. */
export const KOAS: readonly [name: string, Koa: any][] = [
  ['Koa 3', require('koa')],
  ['Koa 2', require('koa-2')],
];

/** The stores of ours that the lines of the checklist are tried on. */
export const STORES = [
  ['memory', () => new MemoryStore()],
  ['sqlite', () => new SqliteStore({ file: ':memory:' })],
] as const;

export const PAIRS = KOAS.flatMap(([koa, Koa]) => STORES.map(([store, make]) => [`${koa}, ${store}`, Koa, make] as const));

export const DAY = 86_400_000;
export const MINUTE = 60_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Closes something when the test is over. */
export function later(close: () => unknown): void {
  closing.push(close);
}

export type Handler = (ctx: any) => unknown;

export interface Site {
  readonly app: any;
  readonly url: string;
  readonly client: Client;
  /** What the app was told as `error`. */
  readonly errors: any[];
  /** Events of the session middleware, in the order in which they came. */
  readonly events: [name: string, detail: any][];
}

/** Serves an app that somebody put together. */
export async function open(app: any, jar?: CookieJar): Promise<Site> {
  const errors: any[] = [];
  const events: [string, any][] = [];
  app.on('error', (error: any) => errors.push(error));
  for (const name of ['missed', 'expired', 'invalid']) app.on(`session:${name}`, (detail: any) => events.push([name, detail]));
  const server = await serve(app.callback());
  later(() => server[Symbol.asyncDispose]());
  return { app, url: server.url, client: new Client(server.url, jar), errors, events };
}

export interface Setting {
  Koa?: any;
  make?: any;
  keys?: unknown;
  jar?: CookieJar;
}

/** An app with one middleware and one handler. */
export function site(
  options: any,
  handler: Handler = answerSession,
  { Koa = KOAS[0]?.[1], make = session, keys = ['key'], jar }: Setting = {},
) {
  const app = new Koa();
  app.keys = keys;
  app.use(make(options, app));
  app.use(handler);
  return open(app, jar);
}

/**
 * `/set/name/value` puts something into the session, `/out` ends it, `/untouched` leaves it alone, and the rest shows it.
 */
export function answerSession(ctx: any): void {
  const [, verb, name, value] = ctx.path.split('/');
  if (verb === 'untouched') {
    ctx.body = 'untouched';
    return;
  }
  if (verb === 'out') {
    ctx.session = null;
    ctx.body = 'out';
    return;
  }
  if (verb === 'set') ctx.session[name] = value;
  ctx.body = { ...ctx.session.toJSON(), isNew: ctx.session.isNew, key: ctx.session.externalKey };
}

export async function json(client: Client, path = '/'): Promise<any> {
  return JSON.parse((await client.get(path)).text);
}

/** The Set-Cookie header of a cookie; undefined where it was not sent. */
export function sent(answer: Answer, name = 'koa.sess'): string | undefined {
  return answer.setCookie.find((line) => line.startsWith(`${name}=`));
}

/** The value of a cookie in a jar. */
export function held(client: Client, name = 'koa.sess'): string | undefined {
  return client.cookies.find(({ key }) => key === name)?.value;
}

/** The attributes of a Set-Cookie header. */
export function attributes(line: string | undefined): Record<string, string | true> {
  const [, ...rest] = (line ?? '').split(/; */);
  return Object.fromEntries(
    rest.map((part) => [part.split('=')[0]?.toLowerCase(), part.includes('=') ? part.slice(part.indexOf('=') + 1) : true]),
  );
}

/** What stands in a cookie of the default form. */
export function decoded(value: string | undefined): any {
  return JSON.parse(Buffer.from(value ?? '', 'base64').toString());
}

export { Client, CookieJar, session };
