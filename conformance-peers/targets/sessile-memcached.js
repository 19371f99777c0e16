import { MemcachedStore } from '@sessile/store-memcached';
import { say, serverTarget, urlOf } from '../lib/server-target.js';

const url = await urlOf('memcached');

export default serverTarget({
  name: "Sessile's MemcachedStore",
  // The server's clock moves in whole seconds.
  resolutionMs: 2000,
  url,
  connect: (address) => address,
  open: (address, space) => new MemcachedStore({ hosts: address, prefix: `${space}:`, timeoutMs: 1500 }),
  close: (store) => store.close(),
  spoil: (space, sid, text) => say(url, `set ${space}:${sid} 2 60 ${Buffer.byteLength(text)}\r\n${text}\r\n`),
});
