import type { Dict, KoaContext } from './types.js';

/** How many characters of cookies are remembered. */
const ROOM = 1_000_000;

/** Cookies that `ctx.cookies` has found good, by their texts; for one list of keys. */
class Memory {
  readonly #keys: readonly unknown[];
  readonly #values = new Map<string, string>();
  #taken = 0;

  constructor(keys: readonly unknown[]) {
    this.#keys = [...keys];
  }

  /** Whether the keys are still those that the cookies were found good with. */
  fits(keys: readonly unknown[]): boolean {
    return keys.length === this.#keys.length && keys.every((key, at) => key === this.#keys[at]);
  }

  get(text: string): string | undefined {
    return this.#values.get(text);
  }

  put(text: string, value: string): void {
    if (this.#values.has(text)) return;
    this.#values.set(text, value);
    this.#taken += text.length;
    while (this.#taken > ROOM) {
      const oldest = this.#values.keys().next().value as string;
      this.#values.delete(oldest);
      this.#taken -= oldest.length;
    }
  }
}

const memories = new WeakMap<readonly unknown[], Memory>();

function memoryOf(keys: readonly unknown[]): Memory {
  let memory = memories.get(keys);
  if (memory?.fits(keys) !== true) {
    memory = new Memory(keys);
    memories.set(keys, memory);
  }
  return memory;
}

/**
 * What `ctx.cookies.get` gives for a signed cookie, or one that Egg has encrypted. A good one is remembered, since a client sends the same text with each request and a
 * check costs more than all else that is done with a session. That tells nobody anything: texts are looked for as a whole.
 */
export function readSigned(ctx: KoaContext, name: string, attributes: Dict): string | undefined {
  const { cookies } = ctx;
  const keys = ctx.app.keys as unknown;
  // Without a list nobody could tell whether keys were changed; a `get` of a test's own is asked.
  const header = ctx.req.headers['cookie'] as string | undefined;
  const isSure = header !== undefined && Array.isArray(keys) && !Object.hasOwn(cookies, 'get');
  const text = isSure ? (attributes['encrypt'] === true ? encryptedText(header, name) : signedText(header, name)) : undefined;
  if (text === undefined) return cookies.get(name, attributes);
  const memory = memoryOf(keys as unknown[]);
  const known = memory.get(text);
  if (known !== undefined) return known;
  const before = ctx.res.getHeader('set-cookie');
  const value = cookies.get(name, attributes);
  // One that an older key has signed gets a new signature each time, until the client has it.
  if (value && ctx.res.getHeader('set-cookie') === before) memory.put(text, value);
  return value;
}

/**
 * What `ctx.cookies.set` does with a signed cookie. Where the client has just sent the same value under a signature that was found good,
 * that one is sent again; one that is made is remembered, since the client will send it.
 */
export function writeSigned(ctx: KoaContext, name: string, value: string, attributes: Dict): void {
  const { cookies } = ctx;
  const keys = ctx.app.keys as unknown;
  // Those of Koa: others, as Egg's, may send more than one cookie and its signature.
  const isSure = attributes['signed'] === true && Array.isArray(keys) && 'response' in cookies && !Object.hasOwn(cookies, 'set');
  if (!isSure) {
    cookies.set(name, value, attributes);
    return;
  }
  const memory = memoryOf(keys as unknown[]);
  const text = signedText((ctx.req.headers['cookie'] as string | undefined) ?? '', name);
  const pair = `${name}=${value}\n`;
  if (text?.startsWith(pair) === true && memory.get(text) === value) {
    const unsigned = { ...attributes, signed: false };
    cookies.set(name, value, unsigned);
    cookies.set(`${name}.sig`, text.slice(pair.length + name.length + '.sig='.length), unsigned);
    return;
  }
  cookies.set(name, value, attributes);
  const signature = pairIn([ctx.res.getHeader('set-cookie') ?? []].flat().at(-1) as string, `${name}.sig`);
  if (signature !== undefined) memory.put(pair + signature, value);
}

const patterns = new Map<string, RegExp>();

/** The cookie and its signature as they were sent; undefined where one is missing: then another may be read in its place. */
function signedText(header: string, name: string): string | undefined {
  const [pair, signature] = [pairIn(header, name), pairIn(header, `${name}.sig`)];
  return pair === undefined || signature === undefined ? undefined : `${pair}\n${signature}`;
}

/** The same of a cookie that Egg has encrypted. Where it cannot be read, Egg reads its partitioned double. */
function encryptedText(header: string, name: string): string | undefined {
  const [pair, double] = [pairIn(header, name), pairIn(header, `_CHIPS-${name}`)];
  return pair === undefined ? undefined : `encrypted\n${pair}\n${double}`;
}

/** The first cookie of the name, as `cookies` finds it. */
function pairIn(header: string, name: string): string | undefined {
  let pattern = patterns.get(name);
  if (pattern === undefined) {
    pattern = new RegExp(`(?:^|;) *(${name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}=[^;]*)`);
    patterns.set(name, pattern);
  }
  return pattern.exec(header)?.[1];
}
