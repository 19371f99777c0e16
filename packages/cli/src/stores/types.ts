import type { StoreDriver } from '@sessile/core/driver';
import type { StoredSessions } from '@sessile/core/stored';
import type { Place } from '../url.js';

/** What a command is about to do: only what may be written to is made where it is missing. */
export type Purpose = 'read' | 'change' | 'fill';

/** An open store. */
export interface Store {
  readonly place: Place;
  readonly sessions: StoredSessions;
  close(): Promise<void>;
}

/** A driver, and what else is to be closed after it. */
export interface Opened {
  // oxlint-disable-next-line typescript/no-explicit-any -- tokens are the driver's own affair
  readonly driver: StoreDriver<any>;
  readonly close?: () => void;
}
