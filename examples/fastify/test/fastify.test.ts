import path from 'node:path';
import { assertLogin } from '@sessile/testkit';
import { it } from 'vitest';

const server = path.join(import.meta.dirname, '..', 'server.js');

it('counts visits, and knows who logged in until the logout, over a restart too', () => assertLogin({ args: [server] }));
