import { checkValue, debug } from '@sessile/engine';
import { checkMaxAge, DAY_MS, type Settings, type Site } from './options.js';
import type { Dict, KoaContext } from './types.js';

/** The lifetime among koa-session's fields; undefined where there is none. */
export function lifeIn(data: Dict): unknown {
  return data['_session'] === undefined ? data['_maxAge'] : 'session';
}

/** What the doctor is told of a request. */
export interface Notes {
  /** Why the session is what it is. */
  session: string;
  /** Why the cookie was set or not. */
  cookie: string;
  /** What was done with the stored session. */
  stored: string | undefined;
}

/** One request in one middleware: its context, the options that count for it, and how long its session lives. */
export class Scope {
  readonly ctx: KoaContext;
  readonly site: Site;
  readonly notes: Notes = { session: 'the client sent no id', cookie: 'the response has not begun', stored: undefined };
  /** The request's own copy of the options, where somebody asked for one. */
  #own: Settings | undefined;
  /** When the session began, ms since the epoch: where its whole life is limited. */
  #createdAt: number | undefined;
  /** When it got its key. */
  #rotatedAt: number | undefined;

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

  /** Takes what a session was stored with. */
  adopt(data: Dict): void {
    this.adoptLife(lifeIn(data));
    this.#createdAt = numberIn(data, '_createdAt');
    this.#rotatedAt = numberIn(data, '_rotatedAt');
  }

  /**
   * Takes a lifetime, unless the app has asked for another one in this request.
   *
   * @param maxAge undefined where the session has none of its own.
   */
  adoptLife(maxAge: unknown): void {
    if (maxAge !== undefined && this.settings.maxAge === this.site.settings.maxAge) this.maxAge = maxAge as number;
  }

  /** What was known of the session is no longer true: the next one is new. */
  forget(): void {
    this.#createdAt = undefined;
    this.#rotatedAt = undefined;
  }

  /** How long the session lives from now, in ms; undefined: as long as the browser. */
  get lifeMs(): number | undefined {
    const { maxAge } = this.settings;
    const lifeMs = typeof maxAge === 'number' ? maxAge : undefined;
    const { absoluteMs } = this.settings;
    if (absoluteMs === undefined || lifeMs === undefined) return lifeMs;
    return Math.min(lifeMs, this.#beganAt() + absoluteMs - Date.now());
  }

  #beganAt(): number {
    this.#createdAt ??= Date.now();
    return this.#createdAt;
  }

  /** What is stored beside the data: koa-session's fields, behind ours. */
  fields(): Dict {
    const { absoluteMs, rotate, maxAge } = this.settings;
    const fields: Dict = {};
    if (absoluteMs !== undefined) fields['_createdAt'] = this.#beganAt();
    if (rotate !== undefined) fields['_rotatedAt'] = this.#rotatedAt ??= Date.now();
    if (maxAge === 'session') fields['_session'] = true;
    else Object.assign(fields, { _expire: Date.now() + (this.lifeMs as number), _maxAge: maxAge });
    return fields;
  }

  /** Whether the age of sessions has to be known at each request. */
  get isTimed(): boolean {
    const { absoluteMs, rotate } = this.settings;
    return absoluteMs !== undefined || rotate !== undefined;
  }

  /** Whether a session counts its age, and nobody has begun to. */
  get needsStamp(): boolean {
    const { absoluteMs, rotate } = this.settings;
    return (absoluteMs !== undefined && this.#createdAt === undefined) || (rotate !== undefined && this.#rotatedAt === undefined);
  }

  /** Whether the key has served its time. */
  get isRotationDue(): boolean {
    const { rotate } = this.settings;
    return rotate !== undefined && (this.#rotatedAt ?? Infinity) + rotate.everyMs <= Date.now();
  }

  /** Whether the longest life of a session is over. */
  isTooOld(data: Dict): boolean {
    const { absoluteMs } = this.settings;
    return absoluteMs !== undefined && (numberIn(data, '_createdAt') ?? Infinity) + absoluteMs <= Date.now();
  }

  /** @throws SessionSchemaError where the data do not fit. */
  check(data: Dict): void {
    const { schema } = this.settings;
    if (schema !== undefined) checkValue(schema, data);
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
    const over = (typeof _expire === 'number' && isOver(_expire, _maxAge)) || this.isTooOld(data as Dict);
    if (over) return this.refuse('expired', key, data);
    const { valid } = this.settings;
    if (valid && !valid(this.ctx, data)) return this.refuse('invalid', key, data);
    this.notes.session = 'the client sent a session that is there';
    return true;
  }

  /** Tells the app that a session was not taken. */
  refuse(event: 'missed' | 'expired' | 'invalid', key: string | undefined, value: unknown): false {
    const { ctx } = this;
    this.notes.session = REFUSALS[event];
    debug(this.notes.session);
    setImmediate(() => ctx.app.emit(`session:${event}`, { key, value, ctx }));
    return false;
  }
}

const REFUSALS = {
  missed: 'the client sent an id that the store has no session of: it was destroyed, or has expired',
  expired: 'the client sent a session that has expired',
  invalid: 'the client sent a session that is not valid, by the `valid` hook or by its form',
};

function numberIn(data: Dict, name: string): number | undefined {
  const value = data[name];
  return typeof value === 'number' ? value : undefined;
}
