import { session } from './session.js';

export { LiveSession, SessionSchemaError } from '@sessile/engine';
export type { CookieOptions, Diagnosis, EndReason, Secret, StandardSchema, TransportOption, WatchOptions } from '@sessile/engine';
export { MemoryStore } from './memory-store.js';
export type { Next, SessionHandler, SessionOptions, SessionRequest } from './session.js';
export { Cookie, Session, Store } from './store.js';
export type { SessionData } from './types.js';

export default session;
// `require('@sessile/express')` gives the function itself.
export { session as 'module.exports' };
