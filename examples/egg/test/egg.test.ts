import path from 'node:path';
import { assertLogin, type Client } from '@sessile/testkit';
import { it } from 'vitest';

const server = path.join(import.meta.dirname, '..', 'server.js');

/** Egg takes no form without the token that it gave in a cookie. */
function headersOf(visitor: Client): Record<string, string> {
  return { 'x-csrf-token': visitor.cookies.find(({ key }) => key === 'csrfToken')?.value ?? '' };
}

it('counts visits, and knows who logged in until the logout, over a restart too', () => assertLogin({ args: [server], headersOf }));
