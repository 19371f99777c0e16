import { judge } from './kit.js';

await judge('a Redis server', 'redis', ({ name, kind }) => kind === 'driver' && !/cluster/i.test(name));
await judge('a Redis cluster', 'redis-cluster', ({ name, kind }) => kind === 'driver' && /cluster/i.test(name));
