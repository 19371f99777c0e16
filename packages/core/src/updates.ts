import { backoff, chain } from './async.js';
import type { Commands } from './commands.js';
import type { Awaitable } from './driver.js';
import { StoreError } from './errors.js';
import type { Fate } from './fate.js';
import type { Id } from './ids.js';
import { type Dict, isSession } from './json.js';
import type { LaneCall } from './lanes.js';
import { expiryOf } from './lifetime.js';
import type { Loaded } from './records.js';
import type { Saved, Saves, Site, TiedSave } from './saves.js';
import type { Tie, Version } from './ties.js';
import { compareUnits, unitOf } from './unit.js';

type Change = (session: Dict) => Dict | void;

/** `again`: others came first. An error: the connection was lost, and nobody knows whether the command arrived. */
type Attempt = Saved | 'again' | StoreError;

/** `update()`: read, change, compare-and-set, until it holds. */
export class Updates {
  readonly #site: Site;
  readonly #saves: Saves;
  readonly #commands: Commands;

  constructor(site: Site, saves: Saves, commands: Commands) {
    this.#site = site;
    this.#saves = saves;
    this.#commands = commands;
  }

  /**
   * After a lost connection it goes on only where the text is still the one that it was to replace: then its command was not done,
   * and once another one was it cannot be done any more. A new text may be its own or another writer's, whatever it says.
   *
   * @returns the session as it is now, or null where there is none.
   */
  async update(id: Id, change: Change, call: LaneCall): Promise<Loaded | null> {
    let lost: { replacing: string; error: StoreError } | undefined;
    for (let attempt = 0; ; attempt += 1) {
      const stored = await this.#commands.read(id.key, call);
      if (stored === null) return null;
      const { tie, session } = this.#site.records.load(stored, id);
      const { base } = tie;
      if (lost !== undefined && base !== lost.replacing) throw lost.error;
      const save = this.#changed(id, session, change);
      const outcome = await this.#try(save, tie, call);
      if (outcome === 'saved') return { tie, session: this.#site.codec.parse(save.text) };
      if (outcome === 'ended' || outcome === 'missing') return null;
      if (lost !== undefined) throw lost.error;
      if (outcome !== 'again') lost = { replacing: base, error: outcome };
      if (attempt > 0) await backoff(attempt);
    }
  }

  #changed(id: Id, draft: Dict, change: Change): TiedSave {
    const answer: unknown = change(draft);
    if (answer !== undefined && !isSession(answer)) {
      const advice = 'must return a session or nothing, and not a promise: it may run again.';
      throw new StoreError('ERR_STORE_INVALID_ARGUMENT', `The change function given to update() ${advice}`);
    }
    const { codec, settings } = this.#site;
    const session = answer ?? draft;
    const askedAt = Date.now();
    const expiresAt = expiryOf(undefined, session, settings.ttlMs, askedAt);
    return { id, operation: 'update', askedAt, text: codec.stringify(session), unit: unitOf(session), expiresAt, explicit: false };
  }

  #try(save: TiedSave, tie: Tie, call: LaneCall): Awaitable<Attempt> {
    const change = compareUnits(this.#saves.unitOf(tie), save.unit);
    const fate = this.#saves.fate(save, tie, change);
    const { stored } = tie;
    if (fate === undefined) return chain(this.#saves.remove(save.id, call), () => 'ended');
    if (stored === undefined) return 'again';
    if (!this.#saves.writes(save, tie, fate, change)) return this.#saves.extend(save, tie, fate, stored, call);
    return this.#replace(save, tie, fate, stored, call);
  }

  async #replace(save: TiedSave, tie: Tie, fate: Fate, stored: Version, call: LaneCall): Promise<Attempt> {
    try {
      const answer = await this.#site.records.replace(save.id, save.text, fate, stored, call, true);
      if (answer.outcome !== 'changed') return this.#saves.done(save, tie, fate, save.text, answer);
      return answer.unsure === true ? unsure() : this.#lost(save, call);
    } catch (error) {
      if (StoreError.isInstance(error) && error.code === 'ERR_STORE_UNAVAILABLE' && !call.expired) return error;
      throw error;
    }
  }

  #lost(save: TiedSave, call: LaneCall): 'again' {
    this.#site.emit('conflict', save.id.storedId);
    call.conflicted = true;
    return 'again';
  }
}

function unsure(): StoreError {
  const what = 'The connection was lost, and the client has sent the update again. It was made once or not at all.';
  return new StoreError('ERR_STORE_UNAVAILABLE', what);
}
