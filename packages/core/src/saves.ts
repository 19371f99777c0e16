import { isDeepStrictEqual } from 'node:util';
import { backoff, chain } from './async.js';
import type { Codec } from './codec.js';
import type { Token } from './commands.js';
import type { Awaitable, Replaced } from './driver.js';
import { StoreError } from './errors.js';
import { type AskedLife, type Fate, fateOf } from './fate.js';
import type { Id } from './ids.js';
import { type Dict, isSession, mergeInto } from './json.js';
import type { LaneCall, Lanes } from './lanes.js';
import { ttlUntil } from './lifetime.js';
import type { Settings } from './options.js';
import type { Records } from './records.js';
import type { Tie, Version } from './ties.js';
import { applyUnit, compareUnits, takeLaterDate, toMs, type Unit, UNIT_KEYS, type UnitChange, unitOf } from './unit.js';

/** A save as it was asked for: a snapshot. */
export interface Save extends Omit<AskedLife, 'unit'> {
  id: Id;
  operation: string;
  /** When, ms since the epoch. */
  askedAt: number;
  /** The session's text at the call. */
  text: string;
  /** Its lifetime at the call, where it was tied by then. */
  unit: Unit | undefined;
}

/** A save of a tied session. */
export interface TiedSave extends Save {
  unit: Unit;
}

/** What became of a save: made; the session ended by it; or dropped, because the session is gone. */
export type Saved = 'saved' | 'ended' | 'missing';

/** What the saves need of their store. */
export interface Site {
  readonly records: Records;
  readonly lanes: Lanes;
  readonly codec: Codec;
  readonly settings: Settings;
  emit(event: string, detail: unknown): void;
}

/** Saves that build on a load: compare-and-set, merge, never a resurrection. */
export class Saves {
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  /** An upsert. @returns the tie that it leaves, or undefined when its lifetime was past and the session was removed. */
  upsert(save: Save, call: LaneCall): Awaitable<Tie | undefined> {
    const { records, lanes } = this.#site;
    const { id, text, expiresAt } = save;
    const at = call.clock(save.askedAt);
    const ttlMs = ttlUntil(expiresAt, records.resolutionMs, at);
    if (ttlMs <= 0) return chain(this.remove(id, call), () => undefined);
    return chain(records.write(id, text, ttlMs, call), (token) => {
      const stored = { text, token };
      lanes.remember(id.key, stored);
      return { sid: id.sid, base: text, unit: undefined, written: undefined, stored, expiresAt, at, owner: undefined, other: undefined };
    });
  }

  /** A save of a session that was loaded here. */
  save(save: TiedSave, tie: Tie, call: LaneCall): Awaitable<Saved> {
    const change = compareUnits(this.unitOf(tie), save.unit);
    const fate = this.fate(save, tie, change);
    if (fate === undefined) return chain(this.remove(save.id, call), (live) => (live ? 'ended' : 'missing'));
    const known = this.#site.lanes.known(save.id.key) as Version | undefined;
    const { stored } = tie;
    if (stored === undefined || stored.text !== tie.base || (known !== undefined && known.text !== stored.text)) {
      return this.#merge(save, tie, fate, known ?? stored, call);
    }
    if (!this.writes(save, tie, fate, change)) return this.extend(save, tie, fate, stored, call);
    return chain(this.#site.records.replace(save.id, save.text, fate, known ?? stored, call), (answer) => {
      if (answer.outcome !== 'changed') return this.done(save, tie, fate, save.text, answer);
      return this.#merge(save, tie, fate, this.#site.records.version(answer.current, save.id), call, true);
    });
  }

  /** The lifetime of a tie's session when it was loaded or saved. */
  unitOf(tie: Tie): Unit {
    tie.unit ??= unitOf(this.#site.codec.parse(tie.base));
    return tie.unit;
  }

  /** What a save does to the expiry; undefined where it ends the session. */
  fate(save: TiedSave, tie: Tie, change: UnitChange): Fate | undefined {
    const { settings, records } = this.#site;
    return fateOf(save, tie, this.unitOf(tie), change, typeof settings.ttlMs === 'number', records.resolutionMs);
  }

  /** Whether there is anything to write beside the expiry. */
  writes(save: TiedSave, tie: Tie, fate: Fate, change: UnitChange): boolean {
    return fate.whole || movesExpire(save, change) || differs(save, tie);
  }

  /** Nothing but the lifetime to save; said by the backend whether the session is still there. */
  extend(save: TiedSave, tie: Tie, fate: Fate, current: Version, call: LaneCall): Awaitable<Saved> {
    const { records, lanes } = this.#site;
    const ttlMs = fate.ttlMs === 'keep' ? records.resolutionMs : fate.ttlMs;
    let stored = current;
    const moved = (to: Version) => {
      lanes.remember(save.id.key, to);
      stored = to;
    };
    return chain(records.extend(save.id, ttlMs, fate.onlyLonger, call, current, moved), (live) => {
      if (!live) return this.#drop(save);
      retie(save, tie, fate, stored);
      return 'saved';
    });
  }

  /** Moves the expiry alone. With a tie, its text is what is believed to be stored. */
  lengthen(id: Id, ttlMs: number, onlyLonger: boolean, call: LaneCall, tie: Tie | undefined): Awaitable<boolean> {
    const { records, lanes } = this.#site;
    const from = (lanes.known(id.key) as Version | undefined) ?? tie?.stored;
    return records.extend(id, ttlMs, onlyLonger, call, from, (to) => {
      lanes.remember(id.key, to);
      if (tie !== undefined) tie.stored = to;
    });
  }

  /** Settles a compare-and-set that was made, or found no session. */
  done(save: TiedSave, tie: Tie, fate: Fate, text: string, answer: Replaced<Token>): Saved {
    if (answer.outcome !== 'replaced') return this.#drop(save);
    const stored = { text, token: answer.token };
    this.#site.lanes.remember(save.id.key, stored);
    retie(save, tie, fate, stored);
    return 'saved';
  }

  /** @returns whether there was a live session. */
  remove(id: Id, call: LaneCall): Awaitable<boolean> {
    return chain(this.#site.records.remove(id, call), (live) => {
      this.#site.lanes.remember(id.key, undefined);
      if (live) this.#site.emit('destroy', id.storedId);
      return live;
    });
  }

  async #merge(save: TiedSave, tie: Tie, fate: Fate, from: Version | undefined, call: LaneCall, lost = false): Promise<Saved> {
    const { records, lanes } = this.#site;
    let current = from;
    let told = lost && this.#conflict(save, call);
    for (let attempt = 0; ; attempt += 1) {
      current ??= await records.current(save.id, call);
      if (current === undefined) return this.#drop(save);
      told ||= this.#changedSince(tie, current) && this.#conflict(save, call);
      const text = this.#combine(save, tie, fate, current.text);
      if (text === undefined) return this.extend(save, tie, fate, current, call);
      const answer = await records.replace(save.id, text, fate, current, call);
      if (answer.outcome !== 'changed') return this.done(save, tie, fate, text, answer);
      told ||= this.#conflict(save, call);
      lanes.remember(save.id.key, undefined);
      current = records.version(answer.current, save.id);
      call.conflicted = true;
      if (attempt > 0) await backoff(attempt);
    }
  }

  /** Whether another saved the session since it was loaded. An object tied by hand knows its data alone. */
  #changedSince(tie: Tie, current: Version): boolean {
    if (tie.stored !== undefined) return current.text !== tie.stored.text;
    const { codec } = this.#site;
    return !isDeepStrictEqual(withoutUnit(codec.parse(tie.base)), withoutUnit(codec.parse(current.text)));
  }

  /** Told once per save. */
  #conflict(save: Save, call: LaneCall): true {
    this.#site.emit('conflict', save.id.storedId);
    if (this.#site.settings.conflicts !== 'reject') return true;
    call.conflicted = true;
    const what = 'found that another request has changed the session since it was loaded';
    throw new StoreError('ERR_STORE_CONFLICT', `${save.operation} ${what}. Load it and try again.`);
  }

  /**
   * What is to be stored in place of `theirs`; undefined where the request changed nothing. A change that gives the same text
   * is written too: what is known of the stored text may be old, and only the compare-and-set tells.
   */
  #combine(save: TiedSave, tie: Tie, fate: Fate, theirs: string): string | undefined {
    const { codec, settings } = this.#site;
    if (settings.conflicts === 'overwrite') return save.text;
    const base = codec.parse(tie.base);
    const mine = codec.parse(save.text);
    const merged = codec.parse(theirs);
    if (typeof settings.conflicts === 'function') return codec.stringify(resolved(settings.conflicts(base, mine, merged)));
    mergeInto(base, mine, merged, UNIT_KEYS);
    const unit = unitOf(mine);
    if (fate.whole) applyUnit(merged, unit);
    const later = !fate.whole && takeLaterDate(merged, save.unit) && typeof save.unit._expire === 'number';
    const empty = !fate.whole && !later && isDeepStrictEqual(withoutUnit(base), withoutUnit(mine));
    return empty ? undefined : codec.stringify(merged);
  }

  #drop(save: Save): 'missing' {
    this.#site.lanes.remember(save.id.key, undefined);
    this.#site.emit('drop', { id: save.id.storedId, reason: 'missing', operation: save.operation });
    return 'missing';
  }
}

/**
 * Whether the data differ, the lifetime apart. Told from the texts: where a date alone has moved, one is the other with its
 * date replaced. A difference that is none, such as another order of keys, costs a write and harms nobody.
 */
function differs(save: TiedSave, tie: Tie): boolean {
  if (save.text === tie.base) return false;
  if (save.text.length !== tie.base.length) return true;
  const from = tie.written ?? isoOf(tie.unit);
  return from === undefined || !isMoved(tie.base, save.text, from, toMs(save.unit.cookie?.['expires']));
}

/** Whether one text is the other with the date `from` replaced by `to`. Looks behind the date first: data mostly stand there. */
function isMoved(base: string, text: string, from: string, to: number | undefined): boolean {
  const start = base.indexOf(from);
  const end = start + from.length;
  if (start < 0 || to === undefined || !text.endsWith(base.slice(end)) || !text.startsWith(base.slice(0, start))) return false;
  return Date.parse(text.slice(start, end)) === to;
}

function isoOf(unit: Unit | undefined): string | undefined {
  const expires = unit?.cookie?.['expires'];
  if (expires instanceof Date) return Number.isNaN(expires.getTime()) ? undefined : expires.toISOString();
  return typeof expires === 'string' ? expires : undefined;
}

function retie(save: TiedSave, tie: Tie, fate: Fate, stored: Version): void {
  tie.base = save.text;
  tie.unit = save.unit;
  tie.written = undefined;
  tie.stored = stored;
  tie.at = Date.now();
  if (fate.ttlMs === 'keep') return;
  tie.expiresAt = fate.onlyLonger && tie.expiresAt !== undefined ? Math.max(tie.expiresAt, save.expiresAt) : save.expiresAt;
}

/** koa-session judges a session by `_expire` itself, so a new one has to be written. */
function movesExpire(save: TiedSave, change: UnitChange): boolean {
  return change !== 'same' && typeof save.unit._expire === 'number';
}

function withoutUnit(session: Dict): Dict {
  for (const key of UNIT_KEYS) delete session[key];
  return session;
}

function resolved(session: unknown): Dict {
  if (isSession(session)) return session;
  throw new StoreError(
    'ERR_STORE_INVALID_ARGUMENT',
    'The conflicts function must return a session, and not a promise of one: the save was not made.',
  );
}
