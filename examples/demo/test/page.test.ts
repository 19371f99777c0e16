/** The demo in a real browser. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { scratchStore, secretsOf, sidOf, startDemo } from './running-demo.js';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const found = existsSync(executablePath);
const reason = `no Chromium at ${executablePath}: install it, or set CHROMIUM_PATH`;

/** What Chromium fetches for itself has no place in a test; the sandbox does not work as root. */
const args = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
  '--disable-gpu',
  '--no-sandbox',
];

let browser: Browser;

beforeAll(async () => {
  if (found) browser = await chromium.launch({ executablePath, args });
});
afterAll(() => browser?.close());

test('Chromium is there', ({ skip }) => {
  if (found) return;
  if (process.env.CI) expect.fail(reason);
  // Vitest folds a file of skipped tests into one line, without their names.
  console.warn(`The demo's page was not tested: ${reason}`);
  skip(reason);
});

interface Visit {
  page: Page;
  /** What the console and the page called an error. */
  errors: string[];
  /** The bodies of all answers that have ended. */
  answers: string[];
}

/** A browser context of its own: its own cookies. */
async function visit(url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const seen: Visit = { page, errors: [], answers: [] };
  page.on('console', (message) => message.type() === 'error' && seen.errors.push(message.text()));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on(
    'response',
    (response) =>
      void response.text().then(
        (text) => seen.answers.push(text),
        () => undefined,
      ),
  );
  await page.goto(url);
  return seen;
}

async function signIn({ page }: Visit, name = 'Ada'): Promise<void> {
  await page.getByLabel('Your name').fill(name);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: `Signed in as ${name}` }).waitFor();
}

async function signedIn(url: string, options?: BrowserContextOptions): Promise<Visit> {
  const seen = await visit(url, options);
  await signIn(seen);
  return seen;
}

async function fire(page: Page, conflicts: 'Merge' | 'Overwrite'): Promise<string> {
  await page.getByRole('radio', { name: conflicts }).check();
  await page.getByRole('button', { name: 'Fire 50 requests' }).click();
  const result = page.getByRole('status').filter({ hasText: 'keys are in the session' });
  await page.locator(`#score-${conflicts.toLowerCase()}[data-good]`).waitFor();
  return (await result.textContent()) ?? '';
}

async function sid({ page }: Visit): Promise<string> {
  const [cookie] = await page.context().cookies();
  return sidOf(cookie?.value ?? '');
}

/** What a screen reader or a keyboard would miss. */
const findBarriers = `(() => {
  const named = (node) => (node.getAttribute('aria-label') ?? node.textContent).trim() !== '';
  const labelled = (input) => input.labels.length > 0 && input.labels[0].textContent.trim() !== '';
  const refers = (node, name) => node.getAttribute(name).split(' ').every((id) => document.getElementById(id));
  const all = (selector) => [...document.querySelectorAll(selector)];
  const levels = all('h1, h2, h3, h4').map((node) => Number(node.tagName[1]));
  const ids = all('[id]').map((node) => node.id);
  return [
    document.documentElement.lang === '' && 'no lang',
    all('h1').length !== 1 && 'not one h1',
    levels.some((level, i) => level > (levels[i - 1] ?? 0) + 1) && 'a heading level is left out',
    all('main').length !== 1 && 'not one main',
    ...all('button, summary').filter((node) => !named(node)).map((node) => 'no name: ' + node.outerHTML),
    ...all('input').filter((node) => !labelled(node)).map((node) => 'no label: ' + node.outerHTML),
    ...all('[aria-labelledby]').filter((node) => !refers(node, 'aria-labelledby')).map((node) => 'dangling: ' + node.outerHTML),
    ...all('svg').filter((node) => node.getAttribute('aria-hidden') !== 'true').map(() => 'a picture without a text'),
    new Set(ids).size !== ids.length && 'an id twice',
  ].filter(Boolean);
})()`;

/** Buttons are to be hit with a thumb: 44 px is what the platforms ask for. */
const findSmallButtons = `[...document.querySelectorAll('button, summary')]
  .filter((node) => node.offsetParent !== null && node.getBoundingClientRect().height < 44)
  .map((node) => node.textContent)`;

const widths = '[document.documentElement.scrollWidth, window.innerWidth]';

describe.skipIf(!found)(found ? 'the page' : `the page (skipped: ${reason})`, { timeout: 30_000 }, () => {
  test('signs in, counts, and lets the cookie run down', async () => {
    const { url } = await startDemo();
    const ada = await signedIn(url);
    for (let i = 0; i < 3; i++) await ada.page.getByRole('button', { name: 'Add one' }).click();
    await expect.poll(() => ada.page.locator('#counter').textContent()).toBe('3');
    const timer = ada.page.getByRole('timer', { name: 'Cookie expires in' });
    await expect.poll(() => timer.textContent(), { timeout: 5000 }).toMatch(/^29:5\d$/);
    await ada.page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await ada.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(ada.errors).toEqual([]);
  });

  test('fires fifty requests: merge keeps all, overwrite says what it lost', async () => {
    const { url } = await startDemo();
    const ada = await signedIn(url);
    expect(await fire(ada.page, 'Merge')).toBe('50 of 50 keys are in the session. None was lost.');
    expect(await ada.page.locator('#shells .kept').count()).toBe(50);
    const lossy = await fire(ada.page, 'Overwrite');
    expect(lossy).toMatch(/^\d+ of 50 keys are in the session\. (None was lost|1 was lost|\d+ were lost)\.$/);
    expect(await ada.page.locator('#score-overwrite').textContent()).toBe(/^\d+ of 50/.exec(lossy)?.[0]);
    expect(ada.errors).toEqual([]);
  });

  test('shows both sessions of a user, and the revoked one is signed out at once', async () => {
    const { url } = await startDemo();
    const [here, there] = [await signedIn(url), await signedIn(url)];
    const items = here.page.locator('#sessions > li');
    await expect.poll(() => items.count()).toBe(2);
    await items
      .nth(1)
      .getByRole('button', { name: /^Revoke Chrome on Linux, [0-9a-f]{8}$/ })
      .click();
    await there.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await there.page.getByRole('alert').filter({ hasText: 'ended elsewhere' }).waitFor();
    await expect.poll(() => items.count()).toBe(1);
    expect(await here.page.evaluate('document.activeElement.id')).toBe('sessions-title');
    expect([...here.errors, ...there.errors]).toEqual([]);
  });

  test('signs out during a slow request, and stays signed out', async () => {
    const { url } = await startDemo();
    const ada = await signedIn(url);
    await ada.page.getByRole('button', { name: 'Sign out during a slow request' }).click();
    await ada.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await ada.page.locator('#slow-result').textContent()).toBe('You are signed out, and stay so. No request failed.');
    expect(await ada.page.locator('#slow-steps li[data-good="true"]').allTextContents()).toEqual([
      expect.stringContaining('Signed out.'),
      expect.stringMatching(/dropped its save of [0-9a-f]{8}… \(event “drop”, reason “missing”\)/),
      expect.stringContaining('came with the old cookie once more. It opened nothing.'),
    ]);
    expect(ada.errors).toEqual([]);
  });

  test('goes on by itself after a restart, still signed in', async () => {
    const store = scratchStore();
    const first = await startDemo({ store });
    const ada = await signedIn(first.url);
    await ada.page.getByRole('button', { name: 'Add one' }).click();
    await expect.poll(() => ada.page.locator('#counter').textContent()).toBe('1');
    await first.stop();
    await ada.page.getByRole('alert').filter({ hasText: 'The server is away' }).waitFor();
    await startDemo({ store, url: first.url });
    await ada.page.getByText('your session survived a restart').waitFor();
    expect(await ada.page.getByRole('alert').isVisible()).toBe(false);
    await ada.page.reload();
    await ada.page.getByRole('heading', { name: 'Signed in as Ada' }).waitFor();
    expect(await ada.page.locator('#counter').textContent()).toBe('1');
  });

  test('notices that its session has expired', async () => {
    const { url } = await startDemo({ minutes: '0.05' });
    const ada = await signedIn(url);
    await ada.page.getByRole('alert').filter({ hasText: 'The session has expired.' }).waitFor();
    await ada.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  test('shows no session id, nor the hash of one', async () => {
    const { url } = await startDemo();
    const [here, there] = [await signedIn(url), await signedIn(url)];
    const secrets = [...secretsOf(await sid(here)), ...secretsOf(await sid(there))];
    await fire(here.page, 'Merge');
    await expect.poll(() => here.page.locator('#events li').count()).toBeGreaterThan(1);
    const shown = [await here.page.content(), ...here.answers, ...there.answers].join('\n');
    expect(shown).toContain(secrets[1]?.slice(0, 8));
    for (const secret of secrets) expect(shown).not.toContain(secret);
    expect(await here.page.evaluate('document.cookie')).toBe('');
  });

  test('shows a name with markup as text', async () => {
    const { url } = await startDemo();
    const name = '<img src=x onerror=alert(1)>&amp;';
    const eve = await visit(url);
    await signIn(eve, name);
    await eve.page.getByText(`user: "${name}"`).waitFor();
    expect(await eve.page.locator('img').count()).toBe(0);
    expect(eve.errors).toEqual([]);
  });

  test('has no barriers that a script can find', async () => {
    const { url } = await startDemo();
    const ada = await visit(url);
    expect(await ada.page.evaluate(findBarriers)).toEqual([]);
    await signIn(ada);
    await fire(ada.page, 'Merge');
    expect(await ada.page.evaluate(findBarriers)).toEqual([]);
    expect(await ada.page.evaluate(findSmallButtons)).toEqual([]);
  });

  test('can be used with the keyboard alone', async () => {
    const { url } = await startDemo();
    const { page } = await visit(url);
    await page.getByLabel('Your name').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Ada');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Signed in as Ada' }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('you-title');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('name');
  });

  test.each(['light', 'dark'] as const)('fits a phone, %s', async (colorScheme) => {
    const { url } = await startDemo();
    const ada = await visit(url, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme });
    expect(await ada.page.evaluate(widths)).toEqual([390, 390]);
    await signIn(ada, 'W'.repeat(40));
    await fire(ada.page, 'Merge');
    expect(await ada.page.evaluate(widths)).toEqual([390, 390]);
    expect(ada.errors).toEqual([]);
  });
});
