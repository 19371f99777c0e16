import { backoff, chain } from './async.js';
import type { Codec } from './codec.js';
import type { Commands, Token } from './commands.js';
import type { Awaitable, Replaced, Stored } from './driver.js';
import type { Fate } from './fate.js';
import type { Id } from './ids.js';
import type { Dict } from './json.js';
import type { LaneCall } from './lanes.js';
import { LAST_DATE_MS, ttlUntil } from './lifetime.js';
import type { Tie, Version } from './ties.js';
import { toMs, unitDate, unitEnd, unitOf } from './unit.js';

/** What was read, opened. `session` is whole and nobody else's. */
export interface Loaded {
  tie: Tie;
  session: Dict;
}

/** A new end, in ms from now. */
interface Life {
  ttlMs: number;
  onlyLonger: boolean;
}

/** Sessions in a backend: texts in place of payloads, and the same verbs whatever the backend can tell of lifetimes. */
export class Records {
  readonly #commands: Commands;
  readonly #codec: Codec;
  readonly #defaultTtlMs: number;
  readonly resolutionMs: number;

  constructor(commands: Commands, codec: Codec, defaultTtlMs: number) {
    this.#commands = commands;
    this.#codec = codec;
    this.#defaultTtlMs = defaultTtlMs;
    this.resolutionMs = commands.driver.traits.resolutionMs;
  }

  /**
   * What was read, with its tie.
   *
   * @param at when it was read, ms since the epoch.
   * @throws StoreError ERR_STORE_DECODE
   */
  load(stored: Stored<Token>, id: Id, at = Date.now()): Loaded {
    const { text, session } = this.#codec.decode(stored.payload, id);
    const expiresAt = stored.ttlMs === undefined ? undefined : at + stored.ttlMs;
    const written = reportEnd(session, expiresAt);
    const version = { text, token: stored.token };
    const unit = unitOf(session);
    return { session, tie: { sid: id.sid, base: text, unit, written, stored: version, expiresAt, at, owner: undefined, other: undefined } };
  }

  /** What is stored now; undefined where there is no live session. */
  current(id: Id, call: LaneCall): Awaitable<Version | undefined> {
    return chain(this.#commands.read(id.key, call), (stored) => this.version(stored ?? undefined, id));
  }

  version(stored: Stored<Token> | undefined, id: Id): Version | undefined {
    return stored === undefined ? undefined : { text: this.#codec.decode(stored.payload, id).text, token: stored.token };
  }

  write(id: Id, text: string, ttlMs: number, call: LaneCall): Awaitable<Token> {
    return this.#commands.write({ key: id.key, payload: this.#encode(text, id), ttlMs }, call);
  }

  /** Compare-and-set. @param alone past the batch: `update` needs an answer of its own command. */
  replace(id: Id, text: string, fate: Fate, expected: Version, call: LaneCall, alone = false): Awaitable<Replaced<Token>> {
    const payload = this.#encode(text, id);
    const item = { key: id.key, payload, ...this.#expiry(fate, expected), expected: expected.token };
    return this.#commands.replace(item, call, alone);
  }

  /**
   * Moves the expiry; where the backend does not tell what is left, the date in the session moves along.
   *
   * @param from what is believed to be stored: it saves that backend a read.
   * @param moved told what is stored then, where it was written again.
   */
  extend(id: Id, ttlMs: number, onlyLonger: boolean, call: LaneCall, from?: Version, moved?: (to: Version) => void): Awaitable<boolean> {
    if (!this.#commands.driver.traits.keepsTtl) return this.#extendByText(id, { ttlMs, onlyLonger }, call, from, moved);
    return this.#commands.extend({ key: id.key, ttlMs, onlyLonger }, call);
  }

  remove(id: Id, call: LaneCall): Awaitable<boolean> {
    return this.#commands.remove(id.key, call);
  }

  #encode(text: string, id: Id): string {
    return this.#codec.encode(text, id, this.#commands.driver.traits.payload === 'json');
  }

  /** A backend that does not know what is left cannot keep it: it is told what the session says of its life. */
  #expiry({ ttlMs, onlyLonger }: Fate, expected: Version): { ttlMs: number | 'keep'; onlyLonger: boolean } {
    if (this.#commands.driver.traits.keepsTtl || !onlyLonger) return { ttlMs, onlyLonger };
    const now = Date.now();
    const end = unitEnd(unitOf(this.#codec.parse(expected.text)), now) ?? now + this.#defaultTtlMs;
    const left = ttlUntil(end, this.resolutionMs, now);
    return { ttlMs: Math.max(left, ttlMs === 'keep' ? this.resolutionMs : ttlMs), onlyLonger: false };
  }

  /** What the session says of its life is right only while it is what is stored: the compare-and-set tells. */
  async #extendByText(
    id: Id,
    life: Life,
    call: LaneCall,
    from: Version | undefined,
    moved: ((to: Version) => void) | undefined,
  ): Promise<boolean> {
    const date = Date.now() + life.ttlMs;
    let believed = from;
    for (let attempt = 0; ; attempt += 1) {
      const current: Version | undefined = believed ?? (await this.current(id, call));
      if (current === undefined) return false;
      const next = this.#lengthened(current.text, life, date);
      if (next === 'untold') return this.#commands.extend({ key: id.key, ttlMs: life.ttlMs, onlyLonger: false }, call);
      // What is merely believed does not tell that the session still lives.
      if (next === 'enough' && believed === undefined) return true;
      const answer = next === 'enough' ? CHANGED : await this.replace(id, next.text, next.fate, current, call);
      if (answer.outcome === 'replaced' && next !== 'enough') moved?.({ text: next.text, token: answer.token });
      if (answer.outcome !== 'changed') return answer.outcome === 'replaced';
      believed = this.version(answer.current, id);
      if (attempt > 1) await backoff(attempt);
    }
  }

  /** What to store so that a session ends at a date; `enough`: it ends later anyhow; `untold`: its text has no part in it. */
  #lengthened(text: string, { ttlMs, onlyLonger }: Life, date: number): { text: string; fate: Fate } | 'enough' | 'untold' {
    const session = this.#codec.parse(text);
    const unit = unitOf(session);
    // koa-session judges by `_expire` itself, and writes it itself: only a cookie's date is moved.
    const isDated = toMs(unit.cookie?.['expires']) !== undefined;
    if (ttlMs === Infinity || (!onlyLonger && !isDated)) return 'untold';
    if (onlyLonger && date <= (unitDate(unit) ?? -Infinity)) return 'enough';
    if (!isDated) return { text, fate: { ttlMs, onlyLonger, whole: false } };
    moveDate(session, date);
    return { text: this.#codec.stringify(session), fate: { ttlMs, onlyLonger: false, whole: false } };
  }
}

const CHANGED: Replaced<Token> = { outcome: 'changed' };

/**
 * Replaces a date in the cookie by the real end: touches move the expiry and leave the text alone.
 *
 * @returns the date that stood there, where it was replaced.
 * @see TCH-5 in docs/contract.md
 */
function reportEnd(session: Dict, expiresAt: number | undefined): string | undefined {
  const cookie = session['cookie'] as Dict | null | undefined;
  if (typeof cookie !== 'object' || cookie === null || expiresAt === undefined) return undefined;
  const { expires } = cookie;
  const date = toMs(expires);
  // The backend's count and ours differ by the time that the answer took; a date past the last Date cannot be written.
  if (date === undefined || Math.abs(date - expiresAt) <= 1 || expiresAt > LAST_DATE_MS) return undefined;
  const real = new Date(expiresAt);
  cookie['expires'] = typeof expires === 'string' ? real.toISOString() : real;
  return typeof expires === 'string' ? expires : undefined;
}

function moveDate(session: Dict, date: number): void {
  (session['cookie'] as Dict)['expires'] = new Date(date).toISOString();
}
