import session from 'express-session';
import memorystore from 'memorystore';

const MemoryStore = memorystore(session);
const open = () => new MemoryStore({ checkPeriod: 86_400_000 });

export default {
  name: 'memorystore',
  create: open,
  neighbour: open,
  destroy: (store) => store.stopInterval(),
};
