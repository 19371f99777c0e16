import type { Target } from '@sessile/store-conformance';
import { type Backend, ReferenceStore } from './reference-store.js';

export type StoreClass = new (backend?: Backend) => ReferenceStore;

/** A target with every hook, whose clock is moved: its checks wait for nothing. */
export function targetOf(name: string, Store: StoreClass = ReferenceStore): Target<ReferenceStore> {
  return {
    name,
    kind: 'both',
    create: () => new Store(),
    second: (store) => new Store(store.backend),
    reopen: (store) => new Store(store.backend),
    neighbour: () => new Store(),
    rows: (store) => store.rows.size,
    advance: (store, ms) => void (store.backend.aheadMs += ms),
    spoil: (store, sid, text) => write(store, sid, text),
    disrupt: (store) => {
      store.backend.away = true;
      return () => (store.backend.away = false);
    },
  };
}

function write(store: ReferenceStore, sid: string, text: string): void {
  const row = store.rows.get(sid);
  if (row) row.text = text;
}
