import { session } from './session.js';

export { Cookie, Session, Store } from './store.js';
export { MemoryStore } from './memory-store.js';
export type { Next, SessionHandler, SessionOptions, SessionRequest } from './session.js';

export default session;
// `require('@sessile/express')` gives the function itself.
export { session as 'module.exports' };
