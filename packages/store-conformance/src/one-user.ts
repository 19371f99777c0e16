/**
 * Run as a process of its own by LIF-4: makes a store, uses it once, closes it, and must end by itself.
 *
 * @module
 */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { adapt, end } from './store-under-test.js';
import type { Target } from './types.js';

const place = process.argv[2] ?? '';
const loaded: { default: Target } = await import(isAbsolute(place) ? pathToFileURL(place).href : place);
const target = loaded.default;
const store = await adapt(target, await target.create());
await store.set('one-user', { cookie: { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000) } }, 60_000);
await store.get('one-user');
await store.destroy('one-user');
await end(target, store.raw);
