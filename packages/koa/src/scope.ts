import { debug } from '@sessile/engine';
import { checkMaxAge, DAY_MS, type Settings, type Site } from './options.js';
import type { Dict, KoaContext } from './types.js';

/** The lifetime among koa-session's fields; undefined where there is none. */
export function lifeIn(data: Dict): unknown {
  return data['_session'] === undefined ? data['_maxAge'] : 'session';
}

/** One request in one middleware: its context, and the options that count for it. */
export class Scope {
  readonly ctx: KoaContext;
  readonly site: Site;
  /** The request's own copy of the options, where somebody asked for one. */
  #own: Settings | undefined;

  constructor(ctx: KoaContext, site: Site) {
    this.ctx = ctx;
    this.site = site;
  }

  get settings(): Settings {
    return this.#own ?? this.site.settings;
  }

  /** The options as a copy of this request, which may be changed. */
  get options(): Settings {
    this.#own ??= { ...this.site.settings };
    return this.#own;
  }

  get maxAge(): number | 'session' {
    return this.settings.maxAge;
  }

  /** @throws TypeError for what is no lifetime. */
  set maxAge(maxAge: number | 'session' | null | undefined) {
    checkMaxAge(maxAge);
    const lifetime = maxAge || DAY_MS; // oxlint-disable-line typescript/prefer-nullish-coalescing -- 0 is a day, as there
    if (lifetime !== this.settings.maxAge) this.options.maxAge = lifetime;
  }

  /**
   * Takes the lifetime that a session was stored with, unless the app has asked for another one in this request.
   *
   * @param maxAge undefined where it has none of its own.
   */
  adopt(maxAge: unknown): void {
    if (maxAge !== undefined && this.settings.maxAge === this.site.settings.maxAge) this.maxAge = maxAge as number;
  }

  /** The lifetime in ms; undefined: as long as the browser. */
  get maxAgeMs(): number | undefined {
    const { maxAge } = this.settings;
    return typeof maxAge === 'number' ? maxAge : undefined;
  }

  /**
   * Whether what was stored may be used. Where not, the app is told.
   *
   * @param isOver whether a session of this end and this lifetime has expired.
   */
  accepts(data: unknown, key: string | undefined, isOver: (expire: number, maxAge: unknown) => boolean): data is Dict {
    if (!data) return this.refuse('missed', key, data);
    if (typeof data !== 'object') return this.refuse('invalid', key, data);
    const { _expire, _maxAge } = data as Dict;
    if (typeof _expire === 'number' && isOver(_expire, _maxAge)) return this.refuse('expired', key, data);
    const { valid } = this.settings;
    return !valid || valid(this.ctx, data) ? true : this.refuse('invalid', key, data);
  }

  /** Tells the app that a session was not taken. */
  refuse(event: 'missed' | 'expired' | 'invalid', key: string | undefined, value: unknown): false {
    const { ctx } = this;
    debug(`the session is ${event}`);
    setImmediate(() => ctx.app.emit(`session:${event}`, { key, value, ctx }));
    return false;
  }
}
