import { SessionStore, VISIT } from '@sessile/core';
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
    cookie: { set: sent ? isSet(response?.getHeader?.('set-cookie'), settings.name) : undefined, because: visit.reason },
    stored: visit.task,
    advice: adviceFor(request, visit),
  };
}

function undiagnosed(request: EngineRequest): Diagnosis {
  const because = skippedBecause(request) ?? 'the middleware did not see this request; is it registered before this handler?';
  return { session: 'none', because, cookie: { set: false, because }, stored: undefined, advice: [] };
}

function isSet(header: unknown, name: string): boolean {
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
  const weak: [applies: boolean, advice: string][] = [
    [
      cookie.sameSite === undefined || cookie.sameSite === false,
      "set cookie.sameSite to 'lax' or 'strict': without it other sites can send requests in the user's name",
    ],
    [cookie.httpOnly === false, 'cookie.httpOnly is off: scripts of the page, and those that slip into it, can read the id'],
    [secure && cookie.secure !== true, 'the connection is TLS, but cookie.secure is not true: the cookie is sent over plain HTTP too'],
    [
      !secure && cookie.secure === true,
      'cookie.secure is on, but this connection is not known to be TLS; behind a proxy set `trust proxy`, or `proxy: true`',
    ],
    [cookie.sameSite === 'none' && cookie.secure !== true, "cookie.sameSite is 'none': browsers want cookie.secure with it"],
    [
      several,
      `the client sent several cookies of this name, perhaps one from a sibling domain; a name with the prefix __Host- cannot be set from there`,
    ],
    [shortSecret(settings.secret), 'the secret is shorter than 16 characters: it can be guessed from one cookie'],
    [
      !(store instanceof SessionStore),
      'the store is not one of Sessile: parallel requests can overwrite each other, and a late one can bring a session back',
    ],
  ];
  return weak.filter(([applies]) => applies).map(([, advice]) => advice);
}

function shortSecret(secret: unknown): boolean {
  const [first] = [secret].flat();
  return typeof first === 'string' && first.length < 16;
}
