import { judge } from './kit.js';

await judge('a Redis cluster', 'redis-cluster', ({ name }) => name === 'RedisStore on a node-redis cluster');
