import { describe, expect, it } from 'vitest';
import {
  type Check,
  htmlReport,
  jsonReport,
  junitReport,
  markdownReport,
  type Report,
  runConformance,
  terminalReport,
} from '@sessile/store-conformance';

/** What a store under test may say to break a report. */
const RUDE =
  '</pre><script>alert(1)</script> & "quoted" \'too\' ]]> <!-- | `tick` ```` *bold* [x](javascript:1) \u001b[31mred \u0000\ud800';

function check(id: string, more: Partial<Check> = {}): Check {
  return {
    id,
    level: 'MUST',
    since: '0.1',
    title: `the rule ${id}`,
    why: 'Because.',
    mend: 'Do that.',
    run: async () => undefined,
    ...more,
  };
}

const fails = { run: async () => Promise.reject(new Error(RUDE)) };
const checks = [
  check('GET-1'),
  check('GET-2', { ...fails, level: 'SHOULD' }),
  check('SET-1', fails),
  check('SET-2'),
  check('DEL-1', { needs: ['spoil'] }),
  check('NEW-1', fails),
];
const store = { get: (_: string, callback: (error: null) => void) => setImmediate(callback, null) };
const known = { 'SET-1': RUDE, 'SET-2': 'was broken' };
const rude = await runConformance({ name: RUDE, create: () => store, known }, { checks, seed: 5 });
const plain = await runConformance({ name: 'a plain store', create: () => store }, { checks: [check('GET-1')], seed: 5 });
const KINDS = [
  ['json', jsonReport],
  ['junit', junitReport],
  ['markdown', markdownReport],
  ['html', htmlReport],
  ['terminal', terminalReport],
] as const;

/** Well-formed: each tag is closed, and no character stands for something else. */
function readXml(xml: string): string[] {
  const open: string[] = [];
  const seen: string[] = [];
  for (const [, text = '', tag = ''] of xml.matchAll(/([^<]*)(?:<([^>]*)>)?/g)) {
    expect(text).toMatch(/^(?:[^&]|&(?:amp|lt|gt|quot|apos);)*$/);
    if (tag === '' || tag.startsWith('?')) continue;
    const [, closes, name = '', attributes = '', ends] =
      /^(\/?)([a-z]+)((?: [a-z]+="(?:[^"&<]|&(?:amp|lt|gt|quot|apos);)*")*)(\/?)$/.exec(tag) ?? [];
    expect(name, tag).not.toBe('');
    if (closes) expect(open.pop()).toBe(name);
    else seen.push(name + attributes);
    if (!closes && !ends) open.push(name);
  }
  expect(open).toEqual([]);
  return seen;
}

describe.each(KINDS)('the %s report', (_, write: (report: Report | Report[]) => string) => {
  it('is a function of the run alone', () => {
    expect(write(rude)).toBe(write(rude));
  });

  it('names every failure, with all that it says', () => {
    for (const part of ['GET-2', 'NEW-1', 'Because.', 'Do that.', 'contract.md#get-2', 'SESSILE_ONLY=GET-2', 'was broken']) {
      expect(write(rude)).toContain(part);
    }
  });

  it('holds no control character and no half of one', () => {
    // oxlint-disable-next-line no-control-regex -- they are what must not be there
    expect(write(rude)).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
    expect(Buffer.from(write(rude)).toString()).toBe(write(rude));
  });

  it('takes several runs', () => {
    expect(write([plain, rude])).toContain('a plain store');
  });
});

describe('the JSON report', () => {
  it('holds what made it and each result', () => {
    const { ok, format, reports } = JSON.parse(jsonReport(rude));
    expect([ok, format, reports.length]).toEqual([false, 1, 1]);
    const [{ kit, contract, node, seed, target, counts, results }] = reports;
    expect([kit, contract, node, seed]).toEqual([rude.kit, '0.1', process.versions.node, 5]);
    expect(target).toBe(RUDE);
    expect(counts).toEqual({ pass: 1, fail: 2, skip: 1, known: 1, stale: 1 });
    expect(results.map(({ id, status }: any) => `${id} ${status}`)).toEqual(rude.results.map(({ id, status }) => `${id} ${status}`));
  });
});

describe('the JUnit report', () => {
  it('is well-formed, and counts apart what was not run', () => {
    const tags = readXml(junitReport([plain, rude]));
    expect(tags[0]).toContain('tests="7" failures="3" errors="0" skipped="2"');
    expect(tags.filter((tag) => tag.startsWith('testcase'))).toHaveLength(7);
    expect(tags.filter((tag) => tag.startsWith('failure'))).toHaveLength(3);
    expect(tags.filter((tag) => tag.startsWith('skipped'))).toHaveLength(2);
  });
});

describe('the HTML report', () => {
  const page = htmlReport(rude);

  it('lets nothing of the store through as HTML', () => {
    expect(page).not.toMatch(/<script|<!--|<x|alert\(1\)<\/script>/);
    expect(page).toContain('&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quoted&quot; &#39;too&#39;');
  });

  it('needs nothing but itself', () => {
    expect(page).not.toMatch(/<link|<img|src=|url\(|@import/);
    expect(page).toContain("default-src 'none'");
  });

  it('is made for phones, for paper, and for the dark', () => {
    for (const part of ['width=device-width', '@media print', 'prefers-color-scheme: dark', '<html lang="en">', '<title>']) {
      expect(page).toContain(part);
    }
  });

  it('closes what it opens', () => {
    for (const tag of ['main', 'section', 'details', 'summary', 'div', 'dl', 'dd', 'pre', 'ul', 'li', 'span', 'table']) {
      expect(page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length, tag).toBe(page.match(new RegExp(`</${tag}>`, 'g'))?.length);
    }
  });

  it('gives no two things one id', () => {
    const ids = [...htmlReport([rude, rude]).matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });
});

describe('the markdown report', () => {
  it('shows what the store said as text', () => {
    const page = markdownReport(rude);
    const outside = page.replace(/^(`{3,})text\n[^]*?\n\1$/gm, '').replace(/(`+)[^`\n]+\1/g, '');
    expect(outside).not.toMatch(/<|[^\\]\*bold|\[x\]\(|[^\\]`/);
  });

  it('sets several targets side by side', () => {
    const page = markdownReport([plain, { ...plain, target: 'another' }]);
    expect(page).toContain('|  | a plain store | another |');
    expect(page).toContain('| GET reading | 1/1 | 1/1 |');
  });
});

describe('the terminal report', () => {
  it('ends with the counts, by group and by level', () => {
    const page = terminalReport(rude);
    expect(page).toMatch(/GET {2}reading +1 +· +· +· +1\n/);
    expect(page).toMatch(/SHOULD +1 +· +· +· +·\n/);
    expect(page).toMatch(/FAIL .*: 2 of 5 checks failed, 1 stale, 1 not run, in /);
  });

  it('has colours only where they are wanted', () => {
    expect(terminalReport(plain)).not.toContain('\u001b');
    expect(terminalReport(plain, { colors: true })).toContain('\u001b[32m');
  });

  it('folds long lines between words', () => {
    const long = terminalReport(rude, { width: 60 }).split('\n');
    expect(long.filter((line) => line.startsWith('  got:')).length).toBeGreaterThan(0);
    const folded = long.filter((line) => line.length > 60 && !/https?:|^\s*[─A-Z]|failed +stale/.test(line));
    expect(folded).toEqual([]);
  });
});
