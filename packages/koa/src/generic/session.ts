import { isWithin, noteSkipped } from '@sessile/engine';
import type { KoaContext, KoaNext } from '../types.js';
import { MemoryStore } from './memory-store.js';
import { checkGenericOptions, type GenericData, type GenericSessionOptions } from './options.js';
import { Outage } from './outage.js';
import { GenericStore } from './store.js';
import { type GenericSite, GenericVisit } from './visit.js';

const VISIT = Symbol('sessile.generic');

type Carrier = KoaContext & { [VISIT]?: GenericVisit };

// oxlint-disable-next-line typescript/no-explicit-any -- a context of Koa 2, Koa 3 or Egg
export type GenericMiddleware = (ctx: any, next: KoaNext) => Promise<any>;

/**
 * Makes the middleware that koa-generic-session, once koa-sess, makes: `app.use(genericSession({ store }))`.
 *
 * @param options as there; see the README.
 * @throws TypeError for options that cannot be.
 */
function genericSession(options: GenericSessionOptions = {}): GenericMiddleware {
  const settings = checkGenericOptions(options);
  const store = new GenericStore(settings);
  const site: GenericSite = { settings, store, outage: new Outage(store, settings.reconnectTimeout) };
  return settings.defer ? (ctx, next) => deferred(ctx as Carrier, next, site) : (ctx, next) => direct(ctx as Carrier, next, site);
}

genericSession.MemoryStore = MemoryStore;

async function direct(ctx: Carrier, next: KoaNext, site: GenericSite): Promise<unknown> {
  ctx['sessionStore'] = site.store;
  if (ctx[VISIT] !== undefined || ctx['session'] || !isServed(ctx, site)) return next();
  const visit = new GenericVisit(ctx, site);
  await visit.load();
  begin(ctx, visit, DIRECT);
  return serve(ctx, next, visit);
}

async function deferred(ctx: Carrier, next: KoaNext, site: GenericSite): Promise<unknown> {
  ctx['sessionStore'] = site.store;
  if (ctx[VISIT] !== undefined || !isServed(ctx, site)) return next();
  const visit = new GenericVisit(ctx, site);
  begin(ctx, visit, DEFERRED);
  return serve(ctx, next, visit, () => visit.touched);
}

type Accessor = PropertyDescriptor & ThisType<Carrier>;

function accessor(get: (visit: GenericVisit) => unknown): Accessor {
  return {
    configurable: true,
    enumerable: true,
    get() {
      return get(this[VISIT] as GenericVisit);
    },
    set(session: GenericData | null) {
      (this[VISIT] as GenericVisit).session = session;
    },
  };
}

const DIRECT = accessor((visit) => visit.session);
const DEFERRED = accessor((visit) => visit.ask());

/** Whether a browser would send the cookie to this path. */
function isServed(ctx: Carrier, { settings }: GenericSite): boolean {
  if (isWithin(ctx['path'] as string, settings.cookie.path ?? '/', false)) return true;
  noteSkipped(ctx.req, 'the path is none that the cookie is for');
  return false;
}

/** Puts the session's properties on the context. */
function begin(ctx: Carrier, visit: GenericVisit, session: Accessor): void {
  ctx[VISIT] = visit;
  ctx['sessionSave'] = null;
  Object.defineProperty(ctx, 'session', session);
  ctx['saveSession'] = () => visit.ask().then(() => visit.refresh());
  ctx['regenerateSession'] = () => visit.regenerate();
}

/** The session is stored whatever the app does; where both fail, the app's own error is answered. */
async function serve(ctx: Carrier, next: KoaNext, visit: GenericVisit, isDue = () => true): Promise<unknown> {
  let answer;
  try {
    answer = await next();
  } catch (error) {
    if (isDue()) await visit.refresh().catch((failure: unknown) => ctx.app.emit('error', failure, ctx));
    throw error;
  }
  if (isDue()) await visit.refresh();
  return answer;
}

export { genericSession };
