import { SessionStore, VISIT } from '@sessile/core';
import { advise } from './advice.js';
import { readCookies } from './cookies.js';
import type { EngineRequest } from './engine.js';
import { skippedBecause } from './skipped.js';
import { Visit } from './visit.js';

/** What the doctor says of a request. It holds neither ids nor data. */
export interface Diagnosis {
  /** `loaded`: the client came with a session that is there; `new`; `none`: the request is served without one. */
  session: 'loaded' | 'new' | 'none';
  /** Why the session is what it is. */
  because: string;
  cookie: {
    /** Whether the response carries the session's cookie; undefined while its headers are not written. */
    set: boolean | undefined;
    because: string;
  };
  /** What was done with the stored session at the end; undefined before that. */
  stored: string | undefined;
  /** What could be stronger, and what often goes wrong. */
  advice: string[];
}

/**
 * Explains what became of a request's session, and of its cookie: in a route of its own, or in a `finish` listener of the response.
 *
 * @param request as the middleware got it.
 * @param response where its headers are written already, it is told from them whether the cookie was set.
 */
export function diagnose(request: EngineRequest, response?: { headersSent?: boolean; getHeader?(name: string): unknown }): Diagnosis {
  const visit = request[VISIT];
  if (!(visit instanceof Visit)) return undiagnosed(request);
  const { settings } = visit.context;
  const sent = response?.headersSent === true;
  return {
    session: visit.isLoaded ? 'loaded' : visit.hasSession ? 'new' : 'none',
    because: why(request, visit),
    cookie: { set: sent ? isCookieSet(response?.getHeader?.('set-cookie'), settings.name) : undefined, because: visit.reason },
    stored: visit.task,
    advice: adviceFor(request, visit),
  };
}

/** Of a request that the middleware did not see, or served without a session. */
export function undiagnosed(request: object): Diagnosis {
  const because = skippedBecause(request) ?? 'the middleware did not see this request; is it registered before this handler?';
  return { session: 'none', because, cookie: { set: false, because }, stored: undefined, advice: [] };
}

/** Whether a response sets a cookie. @param header its `Set-Cookie` header. */
export function isCookieSet(header: unknown, name: string): boolean {
  return [header].flat().some((line) => typeof line === 'string' && line.startsWith(`${name}=`));
}

function why(request: EngineRequest, visit: Visit): string {
  if (visit.isLoaded) return 'the client sent an id that we signed, and the store has its session';
  const { presentedId, settings } = visit.context;
  if (presentedId !== undefined)
    return 'the client sent an id that we signed, but the store has no such session: it was destroyed, or has expired';
  const sent = readCookies(request.headers['cookie'] as string | undefined, settings.name).length;
  if (sent > 0) return 'the client sent a cookie that no secret of ours has signed: was the secret changed, or the cookie?';
  return 'the client sent no id';
}

function adviceFor(request: EngineRequest, { context }: Visit): string[] {
  const { cookie, settings, secure, store } = context;
  const several = readCookies(request.headers['cookie'] as string | undefined, settings.name).length > 1;
  return advise({
    cookie,
    secure,
    several,
    secret: [settings.secret].flat()[0],
    isForeign: !(store instanceof SessionStore),
    setting: '`trust proxy`, or `proxy: true`',
  });
}
