import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';
import { spoilKey } from '../lib/keys.js';
import { serverTarget, urlOf } from '../lib/server-target.js';

const url = await urlOf('redis');

export default serverTarget({
  name: 'connect-redis',
  url,
  connect: (address) =>
    createClient({ url: address })
      .on('error', () => undefined)
      .connect(),
  open: (client, space) => new RedisStore({ client, prefix: `${space}:` }),
  end: (client) => client.destroy(),
  spoil: (space, sid, text) => spoilKey(url, `${space}:${sid}`, text),
});
