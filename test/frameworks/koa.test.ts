import { defineMatrix } from './matrix.js';
import { koa } from './middlewares/koa.js';

await defineMatrix('koa', koa);
