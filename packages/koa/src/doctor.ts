import { SessionStore } from '@sessile/core';
import { advise, type Diagnosis, isCookieSet, readCookies, undiagnosed } from '@sessile/engine';
import type { ContextSession } from './context-session.js';
import { isByCookies, isPerRequest } from './options.js';
import type { KoaContext } from './types.js';

/**
 * Explains what became of a request's session, and of its cookie. Asked after the response has begun it tells whether the cookie was set.
 *
 * @param own undefined where the middleware did not see the request.
 */
export function diagnose(ctx: KoaContext, own: ContextSession | undefined): Diagnosis {
  if (own === undefined) return undiagnosed(ctx);
  const { settings, notes } = own.scope;
  return {
    session: own.isLoaded === true ? 'loaded' : 'new',
    because: notes.session,
    cookie: { set: ctx.res.headersSent ? isCookieSet(ctx.res.getHeader('set-cookie'), settings.key) : undefined, because: notes.cookie },
    stored: notes.stored,
    advice: adviceFor(ctx, own),
  };
}

function adviceFor(ctx: KoaContext, own: ContextSession): string[] {
  const { settings, site } = own.scope;
  const { store, ContextStore, overflow } = settings;
  const kept = isPerRequest(store) || ContextStore ? undefined : (store ?? overflow);
  return advise({
    cookie: site.attributes,
    secure: ctx['secure'] === true,
    several: readCookies(ctx.req.headers['cookie'] as string | undefined, settings.key).length > 1,
    secret: Array.isArray(ctx.app.keys) ? (ctx.app.keys[0] as unknown) : undefined,
    isForeign: kept !== undefined && !(kept instanceof SessionStore),
    setting: '`app.proxy = true`',
  }).concat(readable(own));
}

function readable(own: ContextSession): string[] {
  const { settings, site } = own.scope;
  const isPlain = !settings.store && !settings.ContextStore && site.sealer === undefined && !isByCookies(settings.encrypt);
  return isPlain ? ['the session is kept in the cookie, where its user can read it; the option encrypt hides it'] : [];
}
