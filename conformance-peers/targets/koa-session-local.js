import LocalSessionStore from 'koa-session-local';
import { AsKoaSession } from '../lib/as-koa-session.js';

const open = () => new AsKoaSession(new LocalSessionStore());

export default {
  name: 'koa-session-local',
  kind: 'promise',
  create: open,
  neighbour: open,
};
