export { Cookie, type CookieData, stringifyData } from './cookie.js';
export { defineTraits } from './driver.js';
export { StoreError, type StoreErrorCode, type StoreErrorDetails } from './errors.js';
export type { TtlOption } from './lifetime.js';
export { checkBytes, checkMs, type ConflictResolver, invalidOption, oneOf, type Serializer, type SessionStoreOptions } from './options.js';
export { type Fetched, originalMaxAgeOf } from './fetched.js';
export { Session, type SessionObserver, type SessionRequest, VISIT } from './session.js';
export { type Callback, type Drop, type KoaHints, type SessionData, SessionStore } from './store.js';
export type { BatchMessage, EventMessage, OperationMessage } from './telemetry.js';
