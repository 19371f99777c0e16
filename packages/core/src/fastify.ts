import type { SessionStore } from './store.js';

interface RequestWithSession {
  headers: { cookie?: string | undefined };
  session?: { sessionId?: unknown } | null;
  sessionStore?: unknown;
}

/** The part of a Fastify instance that is used; its own types would make fastify a dependency of every user's. */
interface FastifyLike {
  // oxlint-disable-next-line typescript/no-explicit-any -- takes the hooks of every Fastify
  addHook(name: 'onRequest', hook: (request: any, reply: any, done: any) => any): unknown;
}

/**
 * Makes sessions of stock `@fastify/session` merge: it copies what the store gave it, so the copy has to be tied by hand.
 *
 * Register it after `@fastify/session`:
 *
 * ```js
 * await app.register(fastifySession, { secret, store: new RedisStore() });
 * await app.register(sessileFastify);
 * ```
 *
 * @see CON-13 in docs/contract.md
 */
export default function sessileFastify(fastify: FastifyLike, _options: object, done: () => void): void {
  fastify.addHook('onRequest', (request: RequestWithSession, _reply: unknown, next: () => void) => {
    tieLoaded(request);
    next();
  });
  done();
}

// Fastify's mark of a plugin whose hooks serve its parent too.
Object.assign(sessileFastify, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: '@sessile/core/fastify' });

/** A session whose id the client sent was loaded; another was made for this request, and its first save creates it. */
function tieLoaded({ headers, session, sessionStore }: RequestWithSession): void {
  const sid = session?.sessionId;
  const store = sessionStore as Partial<SessionStore> | undefined;
  if (!session || typeof sid !== 'string' || typeof store?.tie !== 'function') return;
  const sent = headers.cookie ?? '';
  if (sent.includes(sid) || sent.includes(encodeURIComponent(sid))) store.tie(session, sid);
}
