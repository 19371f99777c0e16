import session from 'express-session';

export default {
  name: "express-session's MemoryStore",
  create: () => new session.MemoryStore(),
  neighbour: () => new session.MemoryStore(),
};
