import { defineMatrix } from './matrix.js';
import { egg } from './middlewares/egg.js';

await defineMatrix('egg', egg);
