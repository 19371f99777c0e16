import { session } from './session.js';

export { Session } from './model.js';
export type { ExternalKey, SessionOptions } from './options.js';
export { session };
export type { SessionMiddleware } from './session.js';
export type { KoaApp, KoaContext, KoaStore, SessionData } from './types.js';

export default session;
// `require('@sessile/koa')` gives the function itself.
export { session as 'module.exports' };
