import koaRedis from 'koa-redis';
import { spoilKey } from '../lib/keys.js';
import { serverTarget, urlOf } from '../lib/server-target.js';

const url = await urlOf('redis');

export default serverTarget({
  name: 'koa-redis',
  kind: 'promise',
  url,
  // It passes its options on to ioredis: `keyPrefix` keeps the checks apart, since it has no prefix of its own.
  connect: (address) => address,
  open: (address, space) => koaRedis({ url: address, keyPrefix: `${space}:` }).on('error', () => undefined),
  close: (store) => store.client.disconnect(),
  spoil: (space, sid, text) => spoilKey(url, `${space}:${sid}`, text),
});
