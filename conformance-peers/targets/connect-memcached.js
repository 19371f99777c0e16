import connectMemcached from 'connect-memcached';
import session from 'express-session';
import Memcached from 'memcached';
import { hostOf, say, serverTarget, urlOf } from '../lib/server-target.js';

const url = await urlOf('memcached');
const MemcachedStore = connectMemcached(session);

export default serverTarget({
  name: 'connect-memcached',
  // The server's clock moves in whole seconds.
  resolutionMs: 2000,
  url,
  connect: (address) => new Memcached(hostOf(address)),
  open: (client, space) => new MemcachedStore({ client, prefix: `${space}:` }),
  end: (client) => client.end(),
  spoil: (space, sid, text) => say(url, `set ${space}:${sid} 2 60 ${Buffer.byteLength(text)}\r\n${text}\r\n`),
});
