import MemoryStore from 'koa-session-memory';
import { AsKoaSession } from '../lib/as-koa-session.js';

const open = () => new AsKoaSession(new MemoryStore());

export default {
  name: 'koa-session-memory',
  kind: 'promise',
  create: open,
  neighbour: open,
};
