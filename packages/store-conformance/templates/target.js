import { MyStore } from './store.js';

/**
 * Tells the kit how to make the store. Run it with: npx @sessile/store-conformance ./target.js
 *
 * @type {import('@sessile/store-conformance').Target<MyStore>}
 */
export default {
  name: 'MyStore',

  // A store that holds no sessions, and shares them with no other store. It is called once for each check.
  create: () => new MyStore(),

  // The more of these there are, the more is checked:
  //
  // destroy: (store) => store.close(),                  // ends a store; needed where it holds a connection
  // second: (store) => new MyStore(...),                // another store on the same data, as another process would have
  // reopen: (store) => new MyStore(...),                // the same data after a restart
  // neighbour: (store) => new MyStore(...),             // another prefix, table or collection of the same backend
  // spoil: (store, sid, text) => ...,                   // writes text as the stored value of a session
  // rows: (store) => ...,                               // how many sessions are stored, expired ones included
  // disrupt: (store) => { ...; return () => ...; },     // breaks the backend; returns what repairs it
  // advance: (store, ms) => ...,                        // moves the store's clock, so that nobody waits
  //
  // Checks that are known to fail, with the reason. The run fails when one of them passes.
  // known: { 'DEL-4': 'there is no compare-and-set in this backend' },
};
