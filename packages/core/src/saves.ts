import { backoff, chain, isPromise } from './async.js';
import type { Codec } from './codec.js';
import type { Commands, Token } from './commands.js';
import type { Awaitable, Replaced, Stored } from './driver.js';
import { StoreError } from './errors.js';
import type { Id } from './ids.js';
import { type Dict, mergeInto } from './json.js';
import type { LaneCall, Lanes } from './lanes.js';
import { DAY_MS, expiryOf, LAST_DATE_MS, ttlUntil } from './lifetime.js';
import type { Settings } from './options.js';
import type { Tie, Version } from './ties.js';
import {
  applyUnit,
  compareUnits,
  movedNearer,
  takeLaterDate,
  toMs,
  type Unit,
  unitDate,
  UNIT_KEYS,
  type UnitChange,
  unitOf,
} from './unit.js';

/** A save as it was asked for: a snapshot. */
export interface Save {
  id: Id;
  operation: string;
  /** The session's text at the call. */
  text: string;
  /** When it is to end: by the explicit lifetime, else by the session. */
  expiresAt: number;
  explicit: boolean;
  /** Its lifetime at the call, where it was tied by then. */
  unit: Unit | undefined;
}

/** What a save does to the expiry. `whole`: the session's own word on its lifetime replaces what is stored. */
interface Fate {
  ttlMs: number | 'keep';
  onlyLonger: boolean;
  whole: boolean;
}

/** What was read, opened. `session` is whole and nobody else's. */
export interface Loaded {
  tie: Tie;
  session: Dict;
}

const KEEP: Fate = { ttlMs: 'keep', onlyLonger: true, whole: false };
/** Lifetimes that differ by less are taken for the same one, counted at two moments. */
const SLACK_MS = 50;

/** What the saves need of their store. */
export interface Site {
  readonly commands: Commands;
  readonly lanes: Lanes;
  readonly codec: Codec;
  readonly settings: Settings;
  emit(event: string, detail: unknown): void;
}

/** A save of a tied session: with its lifetime at the call. */
export interface TiedSave extends Save {
  unit: Unit;
}

/** Saves that build on a load: compare-and-set, merge, never a resurrection. */
export class Saves {
  readonly #site: Site;
  readonly #resolutionMs: number;

  constructor(site: Site) {
    this.#site = site;
    this.#resolutionMs = site.commands.driver.traits.resolutionMs;
  }

  /** An upsert. @returns the tie that it leaves, or undefined when its lifetime was past and the session was removed. */
  upsert(save: Save, call: LaneCall): Awaitable<Tie | undefined> {
    const { commands, lanes } = this.#site;
    const now = Date.now();
    const ttlMs = ttlUntil(save.expiresAt, this.#resolutionMs, now);
    if (ttlMs <= 0) return chain(this.#remove(save, call), () => undefined);
    const payload = this.encode(save.text, save.id);
    return chain(commands.write({ key: save.id.key, payload, ttlMs }, call), (token) => {
      const stored = { text: save.text, token };
      lanes.remember(save.id.key, stored);
      const { text: base, expiresAt } = save;
      return {
        sid: save.id.sid,
        base,
        unit: undefined,
        written: undefined,
        stored,
        expiresAt,
        at: now,
        owner: undefined,
        other: undefined,
      };
    });
  }

  /** A save of a session that was loaded here. @returns false when the session is gone, and the save was dropped. */
  save(save: TiedSave, tie: Tie, call: LaneCall): Awaitable<boolean> {
    const { lanes } = this.#site;
    const change = compareUnits(this.unitOf(tie), save.unit);
    const fate = this.#fate(save, tie, change);
    if (fate === undefined) return this.#remove(save, call);
    const known = lanes.known(save.id.key) as Version | undefined;
    const { stored } = tie;
    if (stored === undefined || stored.text !== tie.base || (known !== undefined && known.text !== stored.text)) {
      return this.#merge(save, tie, fate, known ?? stored, call);
    }
    if (!fate.whole && !movesExpire(save, change) && !this.#differs(save, tie)) return this.#extend(save, tie, fate, call);
    return chain(this.#replace(save, save.text, fate, known ?? stored, call), (answer) => {
      if (answer.outcome !== 'changed') return this.#done(save, tie, fate, save.text, answer);
      return this.#merge(save, tie, fate, this.#current(answer.current, save.id), call, true);
    });
  }

  /** The lifetime of a tie's session when it was loaded or saved. */
  unitOf(tie: Tie): Unit {
    tie.unit ??= unitOf(this.#site.codec.parse(tie.base));
    return tie.unit;
  }

  encode(text: string, id: Id): string {
    const { codec, commands } = this.#site;
    return codec.encode(text, id, commands.driver.traits.payload === 'json');
  }

  #decode(stored: Stored<Token>, id: Id): { text: string; session: Dict } {
    return this.#site.codec.decode(stored.payload, id);
  }

  /**
   * What the save does to the expiry.
   *
   * @returns undefined where the session is to end at once.
   * @see TTL-9 to TTL-12 in docs/contract.md
   */
  #fate(save: TiedSave, tie: Tie, change: UnitChange): Fate | undefined {
    const now = Date.now();
    const ttlMs = ttlUntil(save.expiresAt, this.#resolutionMs, now);
    if (change === 'more' || this.#shortens(save, tie, change, now)) {
      return ttlMs <= 0 ? undefined : { ttlMs, onlyLonger: false, whole: true };
    }
    const said = unitDate(save.unit) !== undefined && tie.expiresAt !== undefined && typeof this.#site.settings.ttlMs === 'number';
    const keeps = !save.explicit && change === 'same' && said;
    return keeps || ttlMs <= 0 ? KEEP : { ttlMs, onlyLonger: true, whole: false };
  }

  /** Whether the app asks for an end that is nearer than the one that it knows. */
  #shortens(save: TiedSave, tie: Tie, change: UnitChange, now: number): boolean {
    if (save.explicit) return tie.expiresAt === undefined || save.expiresAt < tie.expiresAt - SLACK_MS - this.#resolutionMs;
    return change === 'date' && movedNearer(this.unitOf(tie), save.unit, tie.at, now);
  }

  /**
   * Whether the data differ, the lifetime apart. Told from the texts: where a date alone has moved, one is the other with its
   * date replaced. A difference that is none, such as another order of keys, costs a write and harms nobody.
   */
  #differs(save: TiedSave, tie: Tie): boolean {
    if (save.text === tie.base) return false;
    if (save.text.length !== tie.base.length) return true;
    const from = tie.written ?? isoOf(this.unitOf(tie));
    const to = isoOf(save.unit);
    return from === undefined || to === undefined || tie.base.replace(from, to) !== save.text;
  }

  #replace(save: Save, text: string, fate: Fate, expected: Version, call: LaneCall, alone = false): Awaitable<Replaced<Token>> {
    const payload = this.encode(text, save.id);
    const item = { key: save.id.key, payload, ...this.#expiry(fate, expected), expected: expected.token };
    return chain(this.#site.commands.replace(item, call, alone), (answer) =>
      answer.outcome === 'unknown' ? this.#readBack(save.id, payload, call) : answer,
    );
  }

  /** A backend that does not know what is left cannot keep it: it is told the date that the session names. */
  #expiry({ ttlMs, onlyLonger }: Fate, expected: Version): { ttlMs: number | 'keep'; onlyLonger: boolean } {
    if (this.#site.commands.driver.traits.keepsTtl || !onlyLonger) return { ttlMs, onlyLonger };
    const now = Date.now();
    const date = unitDate(unitOf(this.#site.codec.parse(expected.text))) ?? now + this.#defaultTtl();
    const left = ttlUntil(date, this.#resolutionMs, now);
    return { ttlMs: Math.max(left, ttlMs === 'keep' ? this.#resolutionMs : ttlMs), onlyLonger: false };
  }

  #defaultTtl(): number {
    const { ttlMs } = this.#site.settings;
    return typeof ttlMs === 'number' ? ttlMs : DAY_MS;
  }

  #readBack(id: Id, payload: string, call: LaneCall): Awaitable<Replaced<Token>> {
    return chain(this.#site.commands.read(id.key, call), (current): Replaced<Token> => {
      if (current === null) return { outcome: 'missing' };
      return current.payload === payload ? { outcome: 'replaced', token: current.token } : { outcome: 'changed', current };
    });
  }

  #current(stored: Stored<Token> | undefined, id: Id): Version | undefined {
    return stored === undefined ? undefined : { text: this.#decode(stored, id).text, token: stored.token };
  }

  async #merge(save: TiedSave, tie: Tie, fate: Fate, from: Version | undefined, call: LaneCall, lost = false): Promise<boolean> {
    const { commands, lanes } = this.#site;
    let current = from;
    if (lost) this.#conflict(save, call);
    for (let attempt = 0; ; attempt += 1) {
      current ??= this.#current((await commands.read(save.id.key, call)) ?? undefined, save.id);
      if (current === undefined) return this.#drop(save);
      if (!lost && tie.stored !== undefined && current.text !== tie.stored.text) this.#conflict(save, call);
      lost = true;
      const text = this.#combine(save, tie, fate, current.text);
      if (text === current.text) return this.#extend(save, tie, fate, call, current);
      const answer = await this.#replace(save, text, fate, current, call);
      if (answer.outcome !== 'changed') return this.#done(save, tie, fate, text, answer);
      lanes.remember(save.id.key, undefined);
      current = this.#current(answer.current, save.id);
      call.conflicted = true;
      if (attempt > 0) await backoff(attempt);
    }
  }

  #conflict(save: Save, call: LaneCall): void {
    this.#site.emit('conflict', save.id.storedId);
    if (this.#site.settings.conflicts !== 'reject') return;
    call.conflicted = true;
    throw new StoreError(
      'ERR_STORE_CONFLICT',
      `${save.operation} found that another request has changed the session since it was loaded. Load it and try again.`,
    );
  }

  /** What is to be stored in place of `theirs`; the same text where nothing is. */
  #combine(save: TiedSave, tie: Tie, fate: Fate, theirs: string): string {
    const { codec, settings } = this.#site;
    if (settings.conflicts === 'overwrite') return save.text;
    const base = codec.parse(tie.base);
    const mine = codec.parse(save.text);
    const merged = codec.parse(theirs);
    if (typeof settings.conflicts === 'function') return codec.stringify(settings.conflicts(base, mine, merged));
    let changed = mergeInto(base, mine, merged, UNIT_KEYS);
    if (fate.whole) {
      applyUnit(merged, unitOf(mine));
      changed = true;
    } else if (takeLaterDate(merged, save.unit) && typeof save.unit._expire === 'number') changed = true;
    return changed ? codec.stringify(merged) : theirs;
  }

  /** Nothing but the lifetime to save; said by the backend whether the session is still there. */
  #extend(save: TiedSave, tie: Tie, fate: Fate, call: LaneCall, current = tie.stored): Awaitable<boolean> {
    const ttlMs = fate.ttlMs === 'keep' ? this.#resolutionMs : fate.ttlMs;
    return chain(this.extend(save.id, ttlMs, fate.onlyLonger, call), (live) => {
      if (!live) return this.#drop(save);
      if (current !== undefined) this.#retie(save, tie, fate, current);
      return true;
    });
  }

  /** Moves the expiry; where the backend does not tell what is left, the date in the session moves along. */
  extend(id: Id, ttlMs: number, onlyLonger: boolean, call: LaneCall): Awaitable<boolean> {
    const { commands } = this.#site;
    const item = { key: id.key, ttlMs, onlyLonger };
    return commands.driver.traits.keepsTtl ? commands.extend(item, call) : this.#extendByDate(id, ttlMs, onlyLonger, call);
  }

  async #extendByDate(id: Id, ttlMs: number, onlyLonger: boolean, call: LaneCall): Promise<boolean> {
    const { commands, codec } = this.#site;
    const date = Date.now() + ttlMs;
    for (let attempt = 0; ; attempt += 1) {
      const stored = await commands.read(id.key, call);
      if (stored === null) return false;
      const { session } = this.#decode(stored, id);
      const from = unitDate(unitOf(session));
      if (from === undefined || ttlMs === Infinity) return commands.extend({ key: id.key, ttlMs, onlyLonger }, call);
      if (onlyLonger && date <= from) return true;
      moveDate(session, date);
      const payload = this.encode(codec.stringify(session), id);
      const answer = await commands.replace({ key: id.key, payload, ttlMs, onlyLonger: false, expected: stored.token }, call);
      if (answer.outcome === 'replaced') return true;
      if (attempt > 0) await backoff(attempt);
    }
  }

  /**
   * Read, change, compare-and-set, until it holds.
   *
   * @returns the session as it is now, or null where there is none.
   */
  async update(id: Id, change: (session: Dict) => Dict | void, call: LaneCall): Promise<Loaded | null> {
    const { commands } = this.#site;
    // A text whose command got no answer: if it is what is stored now, it arrived.
    let unanswered: string | undefined;
    for (let attempt = 0; ; attempt += 1) {
      const stored = await commands.read(id.key, call);
      if (stored === null) return null;
      const { tie, session } = this.load(stored, id);
      if (unanswered !== undefined && tie.base === unanswered) return { tie, session };
      const save = this.#changed(id, session, change);
      const done = await this.#tryUpdate(save, tie, call);
      if (done === 'unanswered') unanswered = save.text;
      else if (done !== undefined) return done ? { tie, session: this.#site.codec.parse(save.text) } : null;
      if (attempt > 0) await backoff(attempt);
    }
  }

  #changed(id: Id, draft: Dict, change: (session: Dict) => Dict | void): TiedSave {
    const { codec, settings } = this.#site;
    const answer: unknown = change(draft);
    if (answer !== undefined && !isSession(answer)) {
      throw new StoreError(
        'ERR_STORE_INVALID_ARGUMENT',
        'The change function given to update() must return a session or nothing, and not a promise: it may run again.',
      );
    }
    const session = answer ?? draft;
    const text = codec.stringify(session);
    const unit = unitOf(session);
    return { id, operation: 'update', text, unit, expiresAt: expiryOf(undefined, session, settings.ttlMs, Date.now()), explicit: false };
  }

  /** @returns true when it is saved, false when the session is gone; else it has to be tried again, because others came first or no answer came. */
  async #tryUpdate(save: TiedSave, tie: Tie, call: LaneCall): Promise<boolean | 'unanswered' | undefined> {
    const change = compareUnits(this.unitOf(tie), save.unit);
    const fate = this.#fate(save, tie, change);
    if (fate === undefined) return this.#remove(save, call).then(() => false);
    if (!fate.whole && !movesExpire(save, change) && !this.#differs(save, tie)) return this.#extend(save, tie, fate, call);
    const expected = tie.stored;
    if (expected === undefined) return undefined;
    try {
      const answer = await this.#replace(save, save.text, fate, expected, call, true);
      if (answer.outcome === 'changed') return this.#lostUpdate(save, call);
      return this.#done(save, tie, fate, save.text, answer);
    } catch (error) {
      // The connection was lost: whether the command arrived is seen by reading.
      if (StoreError.isInstance(error) && error.code === 'ERR_STORE_UNAVAILABLE' && !call.expired) return 'unanswered';
      throw error;
    }
  }

  #lostUpdate(save: Save, call: LaneCall): undefined {
    this.#site.emit('conflict', save.id.storedId);
    call.conflicted = true;
    return undefined;
  }

  /**
   * What was just read, with its tie.
   *
   * @throws StoreError ERR_STORE_DECODE
   */
  load(stored: Stored<Token>, id: Id): Loaded {
    const { text, session } = this.#decode(stored, id);
    const at = Date.now();
    const expiresAt = stored.ttlMs === undefined ? undefined : at + stored.ttlMs;
    const written = reportEnd(session, expiresAt);
    const version = { text, token: stored.token };
    const unit = unitOf(session);
    return { session, tie: { sid: id.sid, base: text, unit, written, stored: version, expiresAt, at, owner: undefined, other: undefined } };
  }

  #done(save: TiedSave, tie: Tie, fate: Fate, text: string, answer: Replaced<Token>): boolean {
    if (answer.outcome !== 'replaced') return this.#drop(save);
    const stored = { text, token: answer.token };
    this.#site.lanes.remember(save.id.key, stored);
    this.#retie(save, tie, fate, stored);
    return true;
  }

  #retie(save: TiedSave, tie: Tie, fate: Fate, stored: Version): void {
    tie.base = save.text;
    tie.unit = save.unit;
    tie.written = undefined;
    tie.stored = stored;
    tie.at = Date.now();
    if (fate.ttlMs === 'keep') return;
    tie.expiresAt = fate.onlyLonger && tie.expiresAt !== undefined ? Math.max(tie.expiresAt, save.expiresAt) : save.expiresAt;
  }

  #drop(save: Save): false {
    this.#site.lanes.remember(save.id.key, undefined);
    this.#site.emit('drop', { id: save.id.storedId, reason: 'missing', operation: save.operation });
    return false;
  }

  async #remove(save: Save, call: LaneCall): Promise<boolean> {
    const { commands, lanes } = this.#site;
    const live = await commands.remove(save.id.key, call);
    lanes.remember(save.id.key, undefined);
    if (live) this.#site.emit('destroy', save.id.storedId);
    return live;
  }
}

/** Whether a value can be a session: any object but an array or a promise. */
export function isSession(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isPromise(value);
}

/** koa-session judges a session by `_expire` itself, so a new one has to be written. */
function movesExpire(save: TiedSave, change: UnitChange): boolean {
  return change !== 'same' && typeof save.unit._expire === 'number';
}

function isoOf({ cookie }: Unit): string | undefined {
  const expires = cookie?.['expires'];
  if (expires instanceof Date) return Number.isNaN(expires.getTime()) ? undefined : expires.toISOString();
  return typeof expires === 'string' ? expires : undefined;
}

/**
 * Replaces a date in the cookie by the real end: touches move the expiry and leave the text alone.
 *
 * @returns the date that stood there, where it was replaced.
 * @see TCH-2 in docs/contract.md
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
  const cookie = session['cookie'] as Dict | undefined;
  if (cookie?.['expires'] === undefined || cookie['expires'] === null) session['_expire'] = date;
  else cookie['expires'] = new Date(date).toISOString();
}
