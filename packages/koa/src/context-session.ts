import { Baseline, debug } from '@sessile/engine';
import { CookieKeeper } from './cookie-keeper.js';
import { KeyCourier } from './courier.js';
import type { Keeper, Taken } from './keeper.js';
import { type CommitOptions, isLeftOut, Session, type SessionOwner } from './model.js';
import { type Settings, type Site, storeFor } from './options.js';
import { OverflowKeeper } from './overflow-keeper.js';
import { lifeIn, Scope } from './scope.js';
import { StoreKeeper } from './store-keeper.js';
import type { Awaitable, Dict, KoaContext } from './types.js';

/** Why a session is saved; '' where it is not. */
type Reason = 'force' | 'changed' | 'rolling' | 'renew' | '';

/** Of data that nobody looked at: none equal them. */
const UNKNOWN = '?';

/** The session of one request in one middleware: when it is made, what changed, what is done with it at the end. */
export class ContextSession implements SessionOwner {
  readonly #scope: Scope;
  readonly #keeper: Keeper;
  /** The session of the middleware around this one. */
  outer: ContextSession | undefined;
  /** Whether the middleware has begun with it. */
  entered = false;
  /** undefined: nobody asked for it. null: it is to be removed. */
  #session: Session | null | undefined;
  /** The data as they were loaded or saved; undefined: there were none. */
  #base: Baseline | undefined;
  /** Whether the client was told of the session in this request. */
  #told = false;
  #commits: Promise<void> | undefined;

  constructor(ctx: KoaContext, site: Site) {
    this.#scope = new Scope(ctx, site);
    this.#keeper = keeperFor(this.#scope);
  }

  /** For the doctor, and for tokens. */
  get scope(): Scope {
    return this.#scope;
  }

  /** Whether the client came with a session, told without opening it; undefined where nobody asked for one. */
  get isLoaded(): boolean | undefined {
    if (this.#keeper.waits) return true;
    return this.#session ? !this.#session.isNew : undefined;
  }

  get site(): Site {
    return this.#scope.site;
  }

  get options(): Settings {
    return this.#scope.options;
  }

  get maxAge(): number | 'session' {
    return this.#scope.maxAge;
  }

  set maxAge(maxAge: number | 'session') {
    this.#scope.maxAge = maxAge;
  }

  get externalKey(): string | undefined {
    return this.#keeper.key;
  }

  get endsAt(): number | undefined {
    return this.#keeper.endsAt;
  }

  /** What reading `ctx.session` gives. */
  get(): Session | null {
    if (this.#session !== undefined) return this.#session;
    const taken = this.#keeper.take();
    return taken === undefined ? (this.#session = new Session(this)) : this.#accept(taken);
  }

  /** What assigning `ctx.session` does. */
  set(value: unknown): void {
    if (value === null) {
      this.#session = null;
      return;
    }
    if (typeof value !== 'object') throw new Error('this.session can only be set as null or an object.');
    if (this.#keeper.waits) this.get();
    else if (this.#session === undefined && this.#keeper.mayHave()) this.#base = new Baseline(UNKNOWN);
    const life = lifeIn(value as Dict);
    if (life !== undefined) this.maxAge = life as number;
    this.#session = new Session(this, value as Dict);
  }

  #accept({ data, text }: Taken): Session {
    const session = new Session(this, data);
    this.#session = session;
    const isWhole = text !== undefined && !Object.keys(data).some(isLeftOut);
    this.#base = isWhole ? new Baseline(text, true) : new Baseline(JSON.stringify(session));
    return session;
  }

  /** Loads the session that the client asks for. */
  load(): Awaitable<void> {
    if (!this.#keeper.loads) return undefined;
    // What the app did with a session before it was loaded is lost, as there.
    this.#session = undefined;
    return this.#keeper.load();
  }

  renewKey(): void {
    this.#keeper.renewKey();
    const session = this.get();
    if (session !== null) session._requireSave = true;
  }

  /** What the middleware does at the end. What there is nothing to wait for costs no promise. */
  finish(): Awaitable<void> {
    if (this.#commits !== undefined) return this.commit();
    if (this.#session !== undefined || this.#isDueUnread()) return this.#commit(false);
    this.#scope.notes.cookie = 'nobody used the session';
    return undefined;
  }

  /** One commit after the other: the second one finds what the first one saved. */
  commit(options: CommitOptions = {}): Promise<void> {
    if (options.regenerate) this.renewKey();
    const before = this.#commits;
    const work = async () => this.#commit(options.save === true);
    this.#commits = before === undefined ? work() : before.then(work, work);
    return this.#commits;
  }

  #commit(force: boolean): Awaitable<void> {
    if (this.#session === undefined && this.#isDueUnread()) this.get();
    const session = this.#session;
    if (session === undefined || this.#keeper.detached) return undefined;
    if (session === null) return this.#remove();
    const data = session.toJSON();
    const text = JSON.stringify(data);
    const reason = force || session._requireSave || this.#needsStamp() ? 'force' : this.#reason(text);
    this.#note(reason);
    if (reason === 'rolling') return this.#roll(session, { data, text });
    if (reason !== '') return this.#save(session, { data, text }, reason);
    return this.#keeper.owes ? this.#keeper.tell() : undefined;
  }

  async #roll(session: Session, decided: { data: Dict; text: string }): Promise<void> {
    if (await this.#keeper.touch()) this.#told = true;
    else await this.#save(session, decided, 'rolling');
  }

  async #remove(): Promise<void> {
    this.#base = undefined;
    this.#told = false;
    this.#note('removed');
    await this.#keeper.remove();
  }

  /** Whether a session that was there before its age counted has to be told when it began. */
  #needsStamp(): boolean {
    return this.#base !== undefined && this.#scope.needsStamp;
  }

  #note(reason: Reason | 'removed'): void {
    const { notes } = this.#scope;
    if (reason === '' && this.#told) return;
    notes.stored = reason === '' ? 'nothing' : reason === 'removed' ? 'destroy' : 'save';
    notes.cookie = WORDS[reason];
    debug(notes.cookie);
  }

  /** Whether a session that nobody read has to be saved. */
  #isDueUnread(): boolean {
    const { rolling, renew } = this.#scope.settings;
    return this.#keeper.waits && (rolling || this.#keeper.owes || this.#scope.needsStamp || (renew && this.#isHalfOver()));
  }

  #isHalfOver(): boolean {
    const { endsAt } = this.#keeper;
    const { lifeMs } = this.#scope;
    return endsAt !== undefined && lifeMs !== undefined && endsAt - Date.now() < lifeMs / 2;
  }

  #reason(text: string): Reason {
    if (this.#base === undefined && text === '{}') return '';
    if (this.#isChanged(text)) return 'changed';
    const { rolling, renew } = this.#scope.settings;
    if (this.#told) return '';
    if (rolling) return 'rolling';
    return renew && this.#isHalfOver() ? 'renew' : '';
  }

  #isChanged(text: string): boolean {
    const canonical = (stored: string) => JSON.stringify(new Session(this, JSON.parse(stored) as Dict));
    return this.#base === undefined || this.#base.differsFrom(text, canonical);
  }

  async #save(session: Session, decided: { data: Dict; text: string }, reason: Reason): Promise<void> {
    const { beforeSave } = this.#scope.settings;
    if (beforeSave) await beforeSave(this.#scope.ctx, session);
    const data = beforeSave ? session.toJSON() : decided.data;
    const text = beforeSave ? JSON.stringify(data) : decided.text;
    this.#scope.check(data);
    await this.#keeper.save({ data, text, fields: this.#scope.fields(), changed: reason === 'changed' });
    this.#base = new Baseline(text);
    this.#told = true;
    session._requireSave = false;
  }
}

const WORDS: Record<Reason | 'removed', string> = {
  force: 'the app saved the session, or changed its lifetime or key',
  changed: 'the session has changed',
  rolling: 'rolling is on',
  renew: "less than half of the session's life was left",
  removed: 'the session was ended: its cookie is taken away',
  '': 'nothing in the session changed, or it is new and empty',
};

/** Where the sessions of a request are kept. */
function keeperFor(scope: Scope): Keeper {
  const { settings } = scope.site;
  const store = storeFor(scope.ctx, settings);
  if (store !== undefined) return new StoreKeeper(scope, store, new KeyCourier(scope));
  return settings.overflow ? new OverflowKeeper(scope, settings.overflow) : new CookieKeeper(scope);
}
