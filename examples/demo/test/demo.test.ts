/** The demo over HTTP, so that a machine without a browser tests most of it. */
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { demoThatEnds, scratchFolder, scratchStore, secretsOf, startDemo, Visitor } from './running-demo.js';

const fifty = Array.from({ length: 50 }, (_, i) => i + 1);

const fileOf = (store: string) => store.slice('sqlite:'.length);

async function signedIn(url: string, name = 'Ada'): Promise<Visitor> {
  const visitor = new Visitor(url);
  expect(await visitor.post('/api/login', { name })).toMatchObject({ status: 200 });
  return visitor;
}

async function fireFifty(visitor: Visitor, conflicts: string): Promise<number> {
  await visitor.post('/api/hits/reset');
  const answers = await Promise.all(fifty.map((n) => visitor.post(`/api/hits/${n}?conflicts=${conflicts}`)));
  expect(answers.map(({ status }) => status)).toEqual(fifty.map(() => 200));
  return (await visitor.get('/api/hits')).body.kept.length;
}

/** Opens the event stream and resolves with each event as it is asked for. */
async function openStream({ url, cookie }: Visitor) {
  const request = httpGet(`${url}/api/stream`, { headers: { cookie } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const ended = once(response, 'end');
  const until = async (event: string) => {
    while (!text.includes(`event: ${event}\n`)) await once(response, 'data');
    return text;
  };
  return { until, ended, status: response.statusCode };
}

describe.each(['sqlite', 'memory'])('the demo on %s', (kind) => {
  const start = () => startDemo({ store: kind === 'memory' ? 'memory:' : scratchStore() });

  test('signs in by name and counts', async () => {
    const { url } = await start();
    const ada = await signedIn(url, '  Ada ');
    const counted = await Promise.all(fifty.map(() => ada.post('/api/counter')));
    expect(counted.map(({ body }) => body.counter).toSorted((a, b) => a - b)).toEqual(fifty);
    const { body } = await ada.get('/api/state');
    expect(body).toMatchObject({ user: 'Ada', counter: 50 });
    expect(body.lifetimeMs).toBe(1_800_000);
    expect(body.remainingMs).toBeGreaterThan(1_700_000);
  });

  test('keeps all of fifty parallel saves with merge, and loses some with overwrite', async () => {
    const { url } = await start();
    const ada = await signedIn(url);
    expect(await fireFifty(ada, 'merge')).toBe(50);
    expect(await fireFifty(ada, 'overwrite')).toBeLessThan(50);
    expect(await fireFifty(ada, 'merge')).toBe(50);
  });

  test('drops the save of a slow request that outlived a logout', async () => {
    const { url } = await start();
    const ada = await signedIn(url);
    const copy = new Visitor(url);
    copy.cookie = ada.cookie;
    const slow = copy.post('/api/slow');
    await expect.poll(async () => (await ada.get('/api/slow')).body.running).toBe(true);
    expect(await ada.post('/api/logout')).toMatchObject({ status: 200 });
    expect(await slow).toMatchObject({ status: 200, body: { drop: { reason: 'missing' } } });
    expect(await copy.get('/api/state')).toMatchObject({ status: 200, body: { user: null, cookieSent: true } });
  });

  test('lists the sessions of a user, and revokes one', async () => {
    const { url } = await start();
    const [here, there, other] = [await signedIn(url), await signedIn(url), await signedIn(url, 'Grace')];
    const { body } = await here.get('/api/state');
    expect(body.sessions).toHaveLength(2);
    expect(body.sessions[0]).toMatchObject({ current: true, browser: 'node', keys: 4 });
    expect(body.rows.map((row: { payload: string | null }) => row.payload === null)).toEqual([false, false, true]);
    const { id } = body.sessions[1];
    expect(await other.post('/api/revoke', { id })).toMatchObject({ status: 404 });
    expect(await here.post('/api/revoke', { id })).toMatchObject({ status: 200, body: { revoked: true } });
    expect(await there.get('/api/state')).toMatchObject({ body: { user: null } });
    expect((await here.get('/api/state')).body.sessions).toHaveLength(1);
  });
});

test('a restart keeps who is signed in, and a stream does not hold it up', async () => {
  const store = scratchStore();
  const first = await startDemo({ store });
  const ada = await signedIn(first.url);
  await ada.post('/api/counter');
  const stream = await openStream(ada);
  await stream.until('overview');
  expect(await first.stop()).toBe(0);
  const [sid, hash] = secretsOf(ada.sid) as [string, string];
  const atRest = readFileSync(fileOf(store), 'latin1');
  expect([atRest.includes(hash), atRest.includes(sid)]).toEqual([true, false]);
  const second = await startDemo({ store, url: first.url });
  const { body } = await ada.get('/api/state');
  expect(body).toMatchObject({ user: 'Ada', counter: 1 });
  expect(body.server.startedAt).toBeGreaterThan(body.createdAt);
  expect(statSync(`${fileOf(store)}.secret`).mode & 0o777).toBe(0o600);
  expect(await second.stop()).toBe(0);
});

test('with memory a restart signs everybody out', async () => {
  const first = await startDemo({ store: 'memory:' });
  const ada = await signedIn(first.url);
  expect(await first.stop()).toBe(0);
  await startDemo({ store: 'memory:', url: first.url });
  expect((await ada.get('/api/state')).body.user).toBe(null);
});

test('the stream tells what the store does, and ends with its session', async () => {
  const { url } = await startDemo();
  const [here, there] = [await signedIn(url), await signedIn(url)];
  const stream = await openStream(there);
  await stream.until('overview');
  await here.post('/api/counter');
  await stream.until('store');
  const { sessions } = (await here.get('/api/state')).body;
  await here.post('/api/revoke', { id: sessions[1].id });
  const text = await stream.until('gone');
  await stream.ended;
  for (const secret of [...secretsOf(here.sid), ...secretsOf(there.sid)]) expect(text).not.toContain(secret);
});

test('a login makes a new id, and the one before is worth nothing', async () => {
  const { url } = await startDemo();
  const ada = await signedIn(url);
  const planted = new Visitor(url);
  planted.cookie = ada.cookie;
  await ada.post('/api/login', { name: 'Ada' });
  expect(ada.sid).not.toBe(planted.sid);
  expect((await planted.get('/api/state')).body.user).toBe(null);
});

test('no answer holds a session id or its hash', async () => {
  const { url } = await startDemo();
  const [ada, grace] = [await signedIn(url), await signedIn(url, 'Grace')];
  await fireFifty(ada, 'merge');
  const secrets = [ada, grace].flatMap(({ sid }) => secretsOf(sid));
  for (const visitor of [ada, grace]) await visitor.get('/api/state');
  await ada.post('/api/logout');
  await ada.get('/api/state');
  const told = [...ada.told, ...grace.told].join('\n');
  for (const secret of secrets) expect(told).not.toContain(secret);
  expect(grace.told.join('\n')).not.toContain('Ada');
});

test('names browsers so that people know their own', async () => {
  const { url } = await startDemo();
  const visitor = new Visitor(url);
  const nameOf = async (agent: string) => {
    await visitor.post('/api/login', { name: 'Ada' }, { 'X-Sessile-Demo': '1', 'User-Agent': agent });
    return (await visitor.get('/api/state')).body.sessions[0].browser;
  };
  const chrome = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
  expect(await nameOf(chrome)).toBe('Chrome on Windows');
  expect(await nameOf(`${chrome} Edg/142.0.0.0`)).toBe('Edge on Windows');
  expect(await nameOf('Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0')).toBe('Firefox on Linux');
  expect(await nameOf('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1')).toBe(
    'Safari on iPhone',
  );
  expect(await nameOf('curl/8.14.1')).toBe('curl');
  expect(await nameOf('')).toBe('Unknown browser');
});

test('refuses what it should', async () => {
  const { url } = await startDemo();
  const visitor = new Visitor(url);
  expect(await visitor.post('/api/login', { name: 'Eve' }, {})).toMatchObject({ status: 403 });
  expect(await visitor.post('/api/login', { name: ' ' })).toMatchObject({ status: 422 });
  expect(await visitor.post('/api/login', { name: 'x'.repeat(41) })).toMatchObject({ status: 422 });
  expect(await visitor.post('/api/login', { name: ['Eve'] })).toMatchObject({ status: 422 });
  expect(await visitor.post('/api/counter')).toMatchObject({ status: 401 });
  expect(await visitor.get('/api/stream')).toMatchObject({ status: 401 });
  const eve = await signedIn(url, 'Eve');
  expect(await eve.get('/api/nothing')).toMatchObject({ status: 404 });
  expect(await eve.post('/api/hits/51')).toMatchObject({ status: 422 });
});

test('the page comes with headers that keep other origins out', async () => {
  const { url } = await startDemo();
  const { headers, ok } = await fetch(url);
  expect(ok).toBe(true);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.has('x-powered-by')).toBe(false);
  expect(headers.has('set-cookie')).toBe(false);
});

test('the cookie is kept from scripts and from other sites', async () => {
  const { url } = await startDemo();
  const response = await fetch(`${url}/api/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Sessile-Demo': '1' },
    body: '{"name":"Ada"}',
  });
  expect(response.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Lax/);
});

test('arguments that make no sense end with a sentence', async () => {
  expect(await demoThatEnds(['--store', 'redis:'])).toEqual({
    output: '--store is "memory:" or "sqlite:<file>", not "redis:".\n',
    code: 2,
  });
  expect(await demoThatEnds(['--minutes', 'x'])).toMatchObject({ code: 2 });
  expect(await demoThatEnds(['--colour'])).toMatchObject({ code: 2 });
  expect(await demoThatEnds(['--store', `sqlite:${scratchFolder()}`])).toMatchObject({
    code: 1,
    output: expect.stringMatching(/^The demo cannot use/),
  });
  expect(await demoThatEnds(['--help'])).toMatchObject({ code: 0 });
});
