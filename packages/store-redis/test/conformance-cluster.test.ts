import { judge } from './kit.js';

await judge('a Redis cluster', 'redis-cluster', ({ name }) => name === 'RedisStore on an ioredis Cluster');
