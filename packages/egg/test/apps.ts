import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MemoryStore as Memory } from '@sessile/store-memory';
import type { RedisStore as Redis } from '@sessile/store-redis';
import type { SqliteStore as Sqlite } from '@sessile/store-sqlite';
import { Client, serve } from '@sessile/testkit';
import { onTestFinished } from 'vitest';

const require = createRequire(import.meta.url);
// Loaded as Egg loads its files: by import, the test runner would give them a core beside that of the plugin.
export const MemoryStore: typeof Memory = require('@sessile/store-memory').MemoryStore;
export const RedisStore: typeof Redis = require('@sessile/store-redis').RedisStore;
export const SqliteStore: typeof Sqlite = require('@sessile/store-sqlite').SqliteStore;

// Its loggers tell of themselves once for each app.
process.env['NO_DEPRECATION'] = 'egg-logger';
// Each app listens to the process, and so many are no leak.
process.setMaxListeners(0);

const fixture = fileURLToPath(new URL('fixtures/app', import.meta.url));
const cache = fileURLToPath(new URL('../../../node_modules/.cache', import.meta.url));
mkdirSync(cache, { recursive: true });

/** For `expect.poll`: what comes soon, on a machine that has others to serve. */
export const SOON = { timeout: 10_000 };

/** A plugin in an Egg, by the names under which they are installed here. */
export interface Target {
  readonly egg: 'egg' | 'egg-4';
  readonly plugin: 'egg-session' | '@eggjs/session' | '@sessile/egg';
}

export const STOCK: Target = { egg: 'egg', plugin: 'egg-session' };
export const OURS: Target = { egg: 'egg', plugin: '@sessile/egg' };
export const STOCK_4: Target = { egg: 'egg-4', plugin: '@eggjs/session' };
export const OURS_4: Target = { egg: 'egg-4', plugin: '@sessile/egg' };

/** What a test wants of its app. */
export interface AppOptions {
  /** `config.session`, functions included. */
  readonly session?: object;
  /** The rest of the configuration, as JSON. */
  readonly config?: object;
  /** Other plugins, by their names, as in `config/plugin.js`. */
  readonly plugins?: Record<string, object>;
  /** Default: `prod`. */
  readonly env?: string;
  /** Changes the configuration before it is used. */
  readonly configWillLoad?: (app: any) => void;
  /** What `app.js` does; set `app.sessionStore` here. */
  readonly didLoad?: (app: any) => void;
  /** Answers each request. Default: {@link answerSession}. */
  readonly answer?: (ctx: any) => unknown;
  /** What starts the app. Default: `start` of the Egg. */
  readonly start?: (options: object) => Promise<any>;
  /** Where the app lies. */
  readonly baseDir?: string;
}

/** An app that serves, until the test is over. */
export interface App {
  readonly app: any;
  readonly url: string;
  /** A new visitor. */
  readonly browser: () => Client;
  /** The lines of warnings and errors that Egg (`egg-web.log`) and the app have written, without date and process. */
  readonly log: () => string[];
  /** All that stands in the logs. */
  readonly rawLog: () => string;
}

/** A real Egg application in this process, with one of the plugins. It takes about 40 ms. */
export async function startEgg({ egg, plugin }: Target, options: AppOptions = {}): Promise<App> {
  const folder = mkdtempSync(join(cache, 'egg-app-'));
  process.env['SESSILE_EGG_CONFIG'] = JSON.stringify({ ...quietConfig(folder), ...options.config });
  const { baseDir = fixture, env = 'prod', answer = answerSession, start = require(egg).start } = options;
  const own = plugin !== '@sessile/egg' ? {} : { session: { enable: true, package: plugin } };
  const plugins = { ...own, ...options.plugins };
  const app = await start({ ...options, baseDir, env, plugins, answer });
  const server = await serve(app.callback());
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { app, url: server.url, browser: () => new Client(server.url), log: () => linesOf(folder), rawLog: () => textOf(folder) };
}

/** Writes to a folder of its own, at once, and nothing to the console. */
function quietConfig(folder: string): object {
  const logger = { dir: join(folder, 'logs'), level: 'WARN', consoleLevel: 'NONE', buffer: false };
  // Its cookie would stand among ours.
  const security = { csrf: { enable: false } };
  return {
    keys: 'a secret, an older one',
    security,
    rundir: join(folder, 'run'),
    logger: { ...logger, coreLogger: { level: 'WARN', consoleLevel: 'NONE' } },
  };
}

const LOGS = ['egg-web.log', 'sessile-egg-fixture-web.log', 'common-error.log'];

/** A file is there when something was written to it. */
function textOf(folder: string): string {
  const files = LOGS.map((name) => join(folder, 'logs', name)).filter((file) => existsSync(file));
  return files.map((file) => readFileSync(file, 'utf8')).join('');
}

/** Without what stands twice, as errors do. */
function linesOf(folder: string): string[] {
  const lines = textOf(folder).split('\n');
  return [...new Set(lines.flatMap((line) => /^\d.*? (?:WARN|ERROR) \d+ (?:\[[^\]]*ms[^\]]*\] )?(.*)$/.exec(line)?.[1] ?? []))];
}

/** A store as an app has written it by hand, and what it was called with. */
export class HandMade {
  readonly sessions = new Map<string, any>();
  readonly calls: unknown[][] = [];

  async get(key: string, ...rest: unknown[]): Promise<any> {
    this.calls.push(['get', key, ...rest.slice(0, -1)]);
    return this.sessions.get(key);
  }

  async set(key: string, value: object, ...rest: unknown[]): Promise<void> {
    this.calls.push(['set', key, value, ...rest.slice(0, -1)]);
    this.sessions.set(key, structuredClone(value));
  }

  async destroy(key: string): Promise<void> {
    this.calls.push(['destroy', key]);
    this.sessions.delete(key);
  }

  /** The key of the only session. */
  get key(): string {
    const [key, ...others] = this.sessions.keys();
    if (key === undefined || others.length > 0) throw new Error(`There are ${this.sessions.size} sessions.`);
    return key;
  }
}

/** A browser that takes partitioned cookies. */
export const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';

/** Sends a request as a proxy that ends TLS would. */
export async function overTls(url: string, headers: Record<string, string> = {}): Promise<{ text: string; setCookie: string[] }> {
  const response = await fetch(url, { headers: { 'x-forwarded-proto': 'https', ...headers } });
  return { text: await response.text(), setCookie: response.headers.getSetCookie() };
}

/** `/set/name/value` puts something into the session; everything else shows it. */
export function answerSession(ctx: any): object {
  const [, verb, name, value] = ctx.path.split('/');
  if (verb === 'set') ctx.session[name] = value;
  if (verb === 'logout') ctx.session = null;
  return verb === 'logout' ? {} : ctx.session.toJSON();
}
