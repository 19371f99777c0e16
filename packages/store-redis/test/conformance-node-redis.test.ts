import { judge } from './kit.js';

await judge('a Redis server', 'redis', ({ name }) => name === 'RedisStore on node-redis');
