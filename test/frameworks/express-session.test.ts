import { defineMatrix } from './matrix.js';
import { expressSession } from './middlewares/express-session.js';

await defineMatrix('express-session', expressSession);
