import { RedisStore } from '@sessile/store-redis';
import { spoilKey } from '../lib/keys.js';
import { serverTarget, urlOf } from '../lib/server-target.js';

const url = await urlOf('redis');

export default serverTarget({
  name: "Sessile's RedisStore",
  url,
  connect: (address) => address,
  open: (address, space) => new RedisStore({ url: address, prefix: `${space}:`, timeoutMs: 1500 }),
  close: (store) => store.close(),
  spoil: (space, sid, text) => spoilKey(url, `${space}:${sid}`, text),
});
