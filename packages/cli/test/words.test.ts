import { describe, expect, it } from 'vitest';
import { matchOf } from '../src/match.js';
import { clean } from '../src/format.js';
import { progressText } from '../src/progress.js';
import { placeOf } from '../src/url.js';
import { sessile } from './kit.js';

const SECRET = 'hunter2';

describe('URLs', () => {
  it.each([
    ['redis://host/0?prefix=a:', 'redis://host/0?prefix=a:', 'redis://host/0'],
    [`rediss://u:${SECRET}@host:1/0?family=6&prefix=a%3A`, 'rediss://u:***@host:1/0?prefix=a:', `rediss://u:${SECRET}@host:1/0?family=6`],
    [
      `postgres://u:${SECRET}@host/db?sslmode=require&table=t&schema=s`,
      'postgres://u:***@host/db?table=t&schema=s',
      `postgres://u:${SECRET}@host/db?sslmode=require`,
    ],
    [
      `mongodb://u:${SECRET}@one,two:2/db?collection=c&replicaSet=rs0&w=majority`,
      'mongodb://u:***@one,two:2/db?collection=c',
      `mongodb://u:${SECRET}@one,two:2/db?replicaSet=rs0&w=majority`,
    ],
    [`mongodb+srv://u:${SECRET}@host/db`, 'mongodb+srv://u:***@host/db', `mongodb+srv://u:${SECRET}@host/db`],
    ['memcached://one,two:2?prefix=p', 'memcached://one,two:2?prefix=p', 'memcached://one,two:2'],
    ['postgres://[::1]:5432/db', 'postgres://[::1]:5432/db', 'postgres://[::1]:5432/db'],
    ['sqlite:./a%20b.db?table=t', 'sqlite:./a b.db?table=t', './a b.db'],
    ['sqlite:///var/x.db', 'sqlite:/var/x.db', '/var/x.db'],
  ])('%s', (given, label, url) => {
    expect(placeOf(given)).toMatchObject({ label, url });
  });

  it('come from the environment, where no list of processes shows them', () => {
    expect(placeOf('env:SOME_URL', { SOME_URL: 'redis://host' }).label).toBe('redis://host');
    expect(() => placeOf('env:SOME_URL', {})).toThrow('no variable SOME_URL');
  });

  it.each([
    `redis://u:${SECRET}/x@host`,
    `redis://u:${SECRET}?x@host/0`,
    `redis://u:${SECRET}#x@host/0`,
    `redis://u:p@${SECRET}@host/0`,
    `postgres://u:1${SECRET}`,
    `mongodb://u:2?${SECRET}=1@host`,
    `${SECRET}@host`,
    `//u:${SECRET}@host`,
  ])('a URL that cannot be read is not repeated (%#)', (given) => {
    try {
      expect(placeOf(given)).toBe('not a place');
    } catch (error) {
      expect((error as Error).message).not.toContain(SECRET);
    }
  });

  it('a parameter that is misspelled is no parameter of the client', () => {
    expect(() => placeOf('redis://h?perfix=x')).toThrow('Did you mean prefix?');
    expect(() => placeOf('mongodb://h/db?colection=x')).toThrow('Did you mean collection?');
    expect(() => placeOf('postgres://h/db?Table=x')).toThrow('Did you mean table?');
  });
});

describe('what is never shown', () => {
  it.each([
    ['ls', `redis://u:${SECRET}@localhost:1`],
    ['ls', `postgres://u:${SECRET}@localhost:1/x`],
    ['ls', `mongodb://u:${SECRET}@localhost:1/x?serverSelectionTimeoutMS=200`],
    ['copy', `redis://u:${SECRET}@localhost:1`, 'sqlite:/tmp/x.sqlite'],
    ['ls', `mongodb://u:${SECRET}@localhost/x?nosuch=1`],
    [`redis://u:${SECRET}@h`],
    ['ls', '--limit', `redis://u:${SECRET}@h`],
    ['ls', '--conflicts', `redis://u:${SECRET}@h`],
    ['ls', `--url=redis://u:${SECRET}@h`],
    ['ls', 'redis://h', `redis://u:${SECRET}@h`],
    ['copy', 'redis://h', 'redis://g', '--conflicts', `redis://u:${SECRET}@h`],
  ])('a password, in no error (%#)', async (...args) => {
    for (const more of [[], ['--json']]) {
      const { code, stdout, stderr } = await sessile(...args, ...more);
      expect(code).not.toBe(0);
      expect(stdout + stderr).not.toContain(SECRET);
      expect(stderr.length).toBeGreaterThan(20);
    }
  });

  it("another's text gives the terminal no commands", () => {
    expect(clean('a\u001b[2Jb\u009b1m\n\u202ec')).toBe('a\\u001b[2Jb\\u009b1m\\u000a\\u202ec');
  });
});

describe('wrong usage', () => {
  it.each([
    [[], 'Which command?'],
    [['lst'], 'Did you mean ls?'],
    [['ls'], 'takes URL, but got nothing'],
    [['copy', 'redis://h'], 'takes FROM TO, but got one word'],
    [['ls', 'redis://h', '--limt', '3'], 'Did you mean --limit?'],
    [['ls', 'redis://h', '--limit', '0'], 'a whole number from 1'],
    [['ls', 'redis://h', '--match', 'x'], 'PATH=VALUE'],
    [['ls', 'redis:h'], 'cannot be read'],
    [['ls', 'reddis://h'], 'is it redis:?'],
    [['revoke', 'redis://h'], 'ids or --match, but got neither'],
    [['revoke', 'redis://h', 'x', '--match', 'a=b'], 'got both'],
    [['copy', 'redis://h', 'redis://g', '--conflicts', 'never'], 'keep, later or overwrite'],
    [['ls', 'sqlite:'], 'needs the path of a file'],
    [['count', 'sqlite:./x?format=other'], 'There is no file'],
  ])('%j', async (args, expected) => {
    const { code, stderr, stdout } = await sessile(...args);
    expect({ code, stdout }).toEqual({ code: args[0] === 'count' ? 1 : 2, stdout: '' });
    expect(stderr).toContain(expected);
  });

  it('is JSON with --json', async () => {
    const { stderr } = await sessile('ls', '--json');
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'ERR_CLI_USAGE', message: expect.stringContaining('takes URL') } });
  });
});

describe('help', () => {
  it.each([['--help'], ['ls', '--help'], ['help', 'copy'], ['clear', '-h']])('%s %s fits 80 columns', async (...args) => {
    const { code, stdout, stderr } = await sessile(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Usage: sessile');
    // An example is to be copied whole.
    const lines = stdout.split('\n').filter((line) => !line.startsWith('  sessile '));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('--version', async () => {
    expect((await sessile('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('--match', () => {
  const data = { user: { id: 42, 'e.mail': 'a@b' }, roles: ['x', { name: 'y' }], on: true, none: null };
  it.each([
    [['user.id=42'], true],
    [['user.id=4'], false],
    [['user=42'], false],
    [['user.e\\.mail=a@b'], true],
    [['roles=x'], true],
    [['roles.name=y'], true],
    [['roles.1.name=y'], true],
    [['on=true', 'none=null'], true],
    [['on=true', 'none=0'], false],
    [['constructor.name=Object'], false],
    [['missing=undefined'], false],
    [['user.id=42=1'], false],
  ])('%j', (conditions, expected) => {
    expect(matchOf(conditions)?.(JSON.stringify(data))).toBe(expected);
  });

  it('looks into what is compressed, and cannot tell of what is encrypted', () => {
    expect(matchOf(['a=1'])?.('{"$sessile":1,"d":"eyJhIjoxfQ=="}')).toBe(true);
    expect(matchOf(['a=1'])?.('{"$sessile":1,"k":"k","d":"eyJhIjoxfQ=="}')).toBeUndefined();
  });
});

describe('progress', () => {
  it('tells count, share, rate and what remains, and fits the line', () => {
    expect(progressText('copying', 41_200, 100_000, 9800, 80)).toMatch(
      /^copying {2}━+─+ {2}41,200 of 100,000 {2}41 % {2}9,800\/s {2}6.0s left$/,
    );
    expect(progressText('copying', 0, 0, 0, 80)).toContain('0 of 0  100 %');
    for (const columns of [20, 40, 60, 80, 200]) {
      expect(progressText('copying', 41_200_000, 100_000_000, 9800, columns).length).toBeLessThanOrEqual(columns - 3);
      expect(progressText('copying', 41_200, undefined, 9800, columns).length).toBeLessThanOrEqual(columns - 3);
    }
  });
});
