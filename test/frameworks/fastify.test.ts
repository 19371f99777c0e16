import { defineMatrix } from './matrix.js';
import { fastify } from './middlewares/fastify.js';

await defineMatrix('fastify', fastify);
