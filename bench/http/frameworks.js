/**
 * @typedef {object} Contestant
 * @property {string} name of the middleware, in tables and for the server.
 * @property {string} [over] the name of the one whose added CPU its own is compared with: it is one of ours.
 */

/**
 * @typedef {object} Framework
 * @property {string} bare what the app without sessions is called.
 * @property {string[]} packages whose versions belong to a result.
 * @property {Record<string, Contestant[]>} places the middlewares, by where their sessions are kept.
 * @property {Record<string, Record<string, number>>} aims how much of the CPU that `over` adds ours may add, by place and kind of request.
 */

/** The name of the app without sessions, for the server. */
export const BARE = 'none';

const EXPRESS = [{ name: 'express-session' }, { name: '@sessile/express', over: 'express-session' }];
const KOA = [{ name: 'koa-session' }, { name: '@sessile/koa session()', over: 'koa-session' }];
const KOA_GENERIC = [{ name: 'koa-generic-session' }, { name: '@sessile/koa genericSession()', over: 'koa-generic-session' }];
const FASTIFY = [{ name: '@fastify/session' }, { name: '@fastify/session, Sessile store', over: '@fastify/session' }];

const KOA_STORE = { read: 0.4, write: 0.4, anonymous: 0.4, unseen: 0.4 };

/** @type {Record<string, Framework>} */
export const FRAMEWORKS = {
  express: {
    bare: 'Express alone',
    packages: ['express', 'express-session', 'connect-redis'],
    places: { memory: EXPRESS, redis: EXPRESS },
    aims: {
      memory: { read: 0.4, write: 0.4, anonymous: 0.2, unseen: 0.4 },
      redis: { read: 0.6, write: 0.6, anonymous: 0.2, unseen: 0.6 },
    },
  },
  koa: {
    bare: 'Koa alone',
    packages: ['koa', 'koa-session', 'koa-generic-session', 'koa-redis'],
    places: { cookie: KOA, memory: [...KOA, ...KOA_GENERIC], redis: [...KOA, ...KOA_GENERIC] },
    // A cookie that nobody reads costs nothing worth comparing, with either.
    aims: { cookie: { read: 0.6, write: 0.6 }, memory: KOA_STORE, redis: KOA_STORE },
  },
  fastify: {
    bare: 'Fastify alone',
    packages: ['fastify', '@fastify/cookie', '@fastify/session', 'connect-redis'],
    places: { memory: FASTIFY, redis: FASTIFY },
    aims: {},
  },
};

export const PLACES = ['cookie', 'memory', 'redis'];
