import { createHash } from 'node:crypto';
import type { Replaced, Stored } from '@sessile/core/driver';

/** A Lua script over any number of keys: it answers with one element per key, which is an error for a key that failed. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/**
 * Keys. Answers: nil where there is none, or the text and what is left of its life. GET, PTTL.
 *
 * For clusters and pools alone: a script copies every text into Lua and out of it again, at three times the price of MGET.
 */
export const READ = script(`
local answers = {}
for i = 1, #KEYS do
  local text = redis.pcall('GET', KEYS[i])
  if type(text) == 'string' then answers[i] = {text, redis.call('PTTL', KEYS[i])} else answers[i] = text end
end
return answers`);

/** Keys. Answers: what is left of each one's life, ms; -1: it never ends; -2: there is none. PTTL. */
export const LIVES = script(`
local answers, call = {}, redis.call
for i = 1, #KEYS do answers[i] = call('PTTL', KEYS[i]) end
return answers`);

/** Per key: a text and a life. Answers: 1. SET. */
export const WRITE = script(`
local answers = {}
for i = 1, #KEYS do
  local text, life = ARGV[2 * i - 1], ARGV[2 * i]
  local done
  if life == 'never' then done = redis.pcall('SET', KEYS[i], text) else done = redis.pcall('SET', KEYS[i], text, 'PX', life) end
  answers[i] = done.err and done or 1
end
return answers`);

/**
 * Whether what is left (ms, -1: never ends) is at least the life that was asked for. `PEXPIRE GT` needs Redis 7.0. Scripts take a
 * life as two arguments: milliseconds, `never` or `keep`; and 1 where it may only become longer.
 */
const IS_LONGER = `
local function isLonger(left, life)
  return left == -1 or (life ~= 'never' and left >= tonumber(life))
end
local function extend(key, left, life, onlyLonger)
  if onlyLonger == '1' and isLonger(left, life) then return 1 end
  local done
  if life == 'never' then done = redis.pcall('PERSIST', key) else done = redis.pcall('PEXPIRE', key, life) end
  return type(done) == 'table' and done or 1
end`;

/**
 * Per key: the expected text, the new one, and a life. Answers: 1 replaced, 0 missing, or the text that is there and what is left of
 * its life. GET, PTTL, SET.
 */
export const REPLACE = script(`${IS_LONGER}
local answers = {}
for i = 1, #KEYS do
  local key = KEYS[i]
  local text = redis.pcall('GET', key)
  if not text then
    answers[i] = 0
  elseif text == ARGV[4 * i - 3] then
    local new, life = ARGV[4 * i - 2], ARGV[4 * i - 1]
    if ARGV[4 * i] == '1' and isLonger(redis.call('PTTL', key), life) then life = 'keep' end
    local done
    if life == 'keep' then done = redis.pcall('SET', key, new, 'KEEPTTL')
    elseif life == 'never' then done = redis.pcall('SET', key, new)
    else done = redis.pcall('SET', key, new, 'PX', life) end
    answers[i] = done.err and done or 1
  elseif type(text) == 'string' then
    answers[i] = {text, redis.call('PTTL', key)}
  else
    answers[i] = text
  end
end
return answers`);

/** Per key: a life. Answers: 1, or 0 where there is none. PTTL, PEXPIRE, PERSIST. */
export const EXTEND = script(`${IS_LONGER}
local answers = {}
for i = 1, #KEYS do
  local life, onlyLonger = ARGV[2 * i - 1], ARGV[2 * i]
  if onlyLonger == '0' and life ~= 'never' then
    answers[i] = redis.pcall('PEXPIRE', KEYS[i], life)
  else
    local left = redis.pcall('PTTL', KEYS[i])
    if left == -2 then answers[i] = 0
    elseif type(left) == 'number' then answers[i] = extend(KEYS[i], left, life, onlyLonger)
    else answers[i] = left end
  end
end
return answers`);

/**
 * Per key: a life, and what its text has to start with to get it. Answers: as of READ, after the extension.
 *
 * The text is copied into Lua and out of it: for one key, and for clusters and pools.
 */
export const READ_AND_KEEP = script(`${IS_LONGER}
local answers = {}
for i = 1, #KEYS do
  local key, start = KEYS[i], ARGV[2 * i]
  local text = redis.pcall('GET', key)
  if type(text) == 'string' then
    local left, done = redis.call('PTTL', key), 1
    if string.sub(text, 1, #start) == start and not isLonger(left, ARGV[2 * i - 1]) then
      done = extend(key, left, ARGV[2 * i - 1], '0')
      left = redis.call('PTTL', key)
    end
    if done == 1 then answers[i] = {text, left} else answers[i] = done end
  else
    answers[i] = text
  end
end
return answers`);

/** Per key: as of READ_AND_KEEP. Answers: as of LIVES, after the extension. PTTL, GETRANGE, PEXPIRE. */
export const KEEP = script(`${IS_LONGER}
local answers, call = {}, redis.call
for i = 1, #KEYS do
  local key, life, start = KEYS[i], ARGV[2 * i - 1], ARGV[2 * i]
  local left = call('PTTL', key)
  if left ~= -2 and not isLonger(left, life) and (start == '' or redis.pcall('GETRANGE', key, 0, #start - 1) == start) then
    local done = extend(key, left, life, '0')
    left = done == 1 and call('PTTL', key) or done
  end
  answers[i] = left
end
return answers`);

/** Keys. Answers: 1 removed, 0 missing. UNLINK. */
export const REMOVE = script(`
local answers = {}
for i = 1, #KEYS do answers[i] = redis.pcall('UNLINK', KEYS[i]) end
return answers`);

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** A life as the scripts take it. */
export function lifeOf(ttlMs: number | 'keep'): string {
  return ttlMs === Infinity ? 'never' : String(ttlMs);
}

/** And whether it may only become longer; what is kept is not compared. */
export function floorOf(ttlMs: number | 'keep', onlyLonger: boolean): string {
  return onlyLonger && ttlMs !== 'keep' ? '1' : '0';
}

/** Of READ and READ_AND_KEEP. */
export function storedOf(answer: unknown): Stored<string> | null {
  if (!Array.isArray(answer)) return null;
  const [payload, left] = answer as [string, unknown];
  return living(payload, left);
}

/**
 * A text and what is left of its life, as PTTL tells it.
 *
 * @returns null where there is none, and in the last millisecond of a life: nothing is left of it.
 */
export function living(payload: string, left: unknown): Stored<string> | null {
  const ttlMs = Number(left);
  if (ttlMs === 0 || ttlMs === -2) return null;
  return { payload, ttlMs: ttlMs < 0 ? Infinity : ttlMs, token: payload };
}

/** Of REPLACE. */
export function replacedOf(answer: unknown, payload: string): Replaced<string> {
  if (Array.isArray(answer)) {
    const current = storedOf(answer);
    return current === null ? { outcome: 'missing' } : { outcome: 'changed', current };
  }
  return Number(answer) === 1 ? { outcome: 'replaced', token: payload } : { outcome: 'missing' };
}

/** Of EXTEND, REMOVE and UNLINK. */
export function isOne(answer: unknown): boolean {
  return Number(answer) === 1;
}
