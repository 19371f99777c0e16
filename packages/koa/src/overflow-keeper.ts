import { SessionCookie } from './cookie.js';
import { CookieKeeper } from './cookie-keeper.js';
import type { Courier } from './courier.js';
import type { Keeper, Save, Taken } from './keeper.js';
import type { Scope } from './scope.js';
import { StoreKeeper } from './store-keeper.js';
import type { Awaitable, KoaStore } from './types.js';

/** Stands before a key in the cookie, and before nothing else: Base64 has no dot. */
const REFERENCE = 'o1.';

/** Keeps sessions in the cookie, and those that are too long for it in a store, with their key in the cookie. */
export class OverflowKeeper implements Keeper {
  readonly #cookie: SessionCookie;
  readonly #near: CookieKeeper;
  readonly #far: StoreKeeper;
  /** Whether the session is in the store. */
  #isFar = false;

  constructor(scope: Scope, store: KoaStore) {
    this.#cookie = new SessionCookie(scope);
    this.#near = new CookieKeeper(scope, this.#cookie);
    this.#far = new StoreKeeper(scope, store, references(this.#cookie));
  }

  get #now(): CookieKeeper | StoreKeeper {
    return this.#isFar ? this.#far : this.#near;
  }

  get loads(): boolean {
    return this.#cookie.read()?.startsWith(REFERENCE) === true;
  }

  get key(): string | undefined {
    return this.#isFar ? this.#far.key : undefined;
  }

  get waits(): boolean {
    return this.#now.waits;
  }

  get owes(): boolean {
    return this.#now.owes;
  }

  get detached(): boolean {
    return this.#now.detached;
  }

  get endsAt(): number | undefined {
    return this.#now.endsAt;
  }

  mayHave(): boolean {
    return this.#now.mayHave();
  }

  load(): Awaitable<void> {
    this.#isFar = true;
    return this.#far.load();
  }

  take(): Taken | undefined {
    // Asked before the middleware has loaded it: as of a store, there is none yet.
    return this.#isFar || !this.loads ? this.#now.take() : undefined;
  }

  touch(): Awaitable<boolean> {
    return this.#now.touch();
  }

  /** Into the cookie where it fits, again too, else into the store. */
  async save(save: Save): Promise<void> {
    const value = this.#near.encoded(save);
    if (value.startsWith(REFERENCE) || !this.#cookie.write(value)) {
      this.#isFar = true;
      return this.#far.save(save);
    }
    if (this.#isFar) await this.#far.destroy();
    this.#isFar = false;
  }

  tell(): void {
    this.#now.tell();
  }

  remove(): Awaitable<void> {
    return this.#now.remove();
  }

  renewKey(): void {
    this.#now.renewKey();
  }
}

function references(cookie: SessionCookie): Courier {
  return {
    read: () => cookie.read()?.slice(REFERENCE.length),
    tell: (key) => void cookie.write(REFERENCE + key),
    erase: () => cookie.erase(),
  };
}
