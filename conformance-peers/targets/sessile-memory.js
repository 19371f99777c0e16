import { MemoryStore } from '@sessile/store-memory';

export default {
  name: "Sessile's MemoryStore",
  create: () => new MemoryStore(),
  neighbour: () => new MemoryStore(),
};
