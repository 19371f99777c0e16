import { session } from './session.js';

export { SessionSchemaError } from '@sessile/engine';
export type { Diagnosis, StandardSchema, TransportOption } from '@sessile/engine';
export { SessionCookieError } from './cookie-keeper.js';
export { MemoryStore } from './generic/memory-store.js';
export type { GenericCookie, GenericData, GenericSessionOptions, SessionIdStore } from './generic/options.js';
export { type GenericMiddleware, genericSession } from './generic/session.js';
export { Session } from './model.js';
export type { EncryptOption, ExternalKey, SessionOptions } from './options.js';
export { session };
export type { SessionMiddleware } from './session.js';
export type { KoaApp, KoaContext, KoaStore, SessionData } from './types.js';

export default session;
// `require('@sessile/koa')` gives the function itself, and the others hang on it.
export { session as 'module.exports' };
