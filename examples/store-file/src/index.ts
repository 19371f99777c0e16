import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, unlinkSync } from 'node:fs';
import { mkdir, opendir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineTraits, SessionStore, type SessionStoreOptions, StoreError } from '@sessile/core';
import type { Extend, Page, Stored, StoreDriver, Write } from '@sessile/core/driver';

/** Options of {@link FileStore}, beside those of every store. */
export interface FileStoreOptions extends SessionStoreOptions {
  /** Where the sessions are kept; made where it is missing. Default: `./sessions`. */
  folder?: string | undefined;
}

interface FileEntry extends Stored<string> {
  key: string;
  expiresAt: number;
}

const PAGE = 200;

/** Sessions as files: a line with the key and the end, then the payload. */
export class FileDriver implements StoreDriver<string> {
  readonly traits = defineTraits({ name: 'file', clock: 'app' });
  readonly #folder: string;
  readonly #writing = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(key: string): Promise<FileEntry | null> {
    const entry = parse(await contentOf(this.#path(key)));
    return entry !== null && entry.expiresAt > Date.now() ? entry : null;
  }

  async write({ key, payload, ttlMs }: Write): Promise<string> {
    const path = this.#path(key);
    const temporary = join(this.#folder, `${randomUUID()}.tmp`);
    const head = JSON.stringify({ key, expiresAt: ttlMs === Infinity ? null : Date.now() + ttlMs });
    this.#writing.add(path);
    try {
      await mkdir(this.#folder, { recursive: true });
      // A crash leaves the old file or the new one, never half of one: the new one is on the disk before it takes its name.
      await writeFile(temporary, `${head}\n${payload}`, { flush: true });
      await rename(temporary, path);
    } finally {
      this.#writing.delete(path);
      await rm(temporary, { force: true });
    }
    return payload;
  }

  async extend({ key, ttlMs, onlyLonger }: Extend): Promise<boolean> {
    const entry = await this.read(key);
    if (entry === null) return false;
    const left = entry.expiresAt - Date.now();
    if (!onlyLonger || ttlMs > left) await this.write({ key, payload: entry.payload, ttlMs });
    return true;
  }

  async remove(key: string): Promise<boolean> {
    const live = readable(await contentOf(this.#path(key)));
    await rm(this.#path(key), { force: true });
    return live !== null && live.expiresAt > Date.now();
  }

  async *scan(): AsyncGenerator<Page<string>> {
    let page: { key: string; stored: FileEntry }[] = [];
    for await (const path of this.#files()) {
      const entry = readable(await contentOf(path));
      if (entry === null || entry.expiresAt <= Date.now()) continue;
      page.push({ key: entry.key, stored: entry });
      if (page.length < PAGE) continue;
      yield page;
      page = [];
    }
    yield page;
  }

  async clear(): Promise<void> {
    for await (const path of this.#files()) await rm(path, { force: true });
  }

  async prune(): Promise<number> {
    let pruned = 0;
    for await (const path of this.#files()) {
      // Looked at and removed in one go, and not while it is being written: a session that was just saved must stay.
      if (this.#writing.has(path) || (readable(contentNow(path))?.expiresAt ?? Infinity) > Date.now()) continue;
      unlinkSync(path);
      pruned += 1;
    }
    return pruned;
  }

  close(): void {}

  /** A hash is a safe name whatever the sid: no `../`, no length limit, no mix-up where `A` and `a` are one name. */
  #path(key: string): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex')}.session`);
  }

  async *#files(): AsyncGenerator<string> {
    const folder = await opendir(this.#folder).catch(unlessMissing);
    if (folder === null) return;
    for await (const { name } of folder) if (name.endsWith('.session')) yield join(this.#folder, name);
  }
}

/** A complete session store: express-session, koa-session, egg and Fastify take it as it is. */
export class FileStore extends SessionStore {
  constructor({ folder = './sessions', ...options }: FileStoreOptions = {}) {
    super(new FileDriver(folder), options);
  }
}

function contentOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(unlessMissing);
}

function contentNow(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return unlessMissing(error);
  }
}

/** "No such file" is "no such session"; every other error is an error. */
function unlessMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}

function parse(content: string | null): FileEntry | null {
  if (content === null) return null;
  const end = content.indexOf('\n');
  try {
    const { key, expiresAt } = JSON.parse(content.slice(0, end)) as { key: string; expiresAt: number | null };
    const ends = expiresAt ?? Infinity;
    const payload = content.slice(end + 1);
    return { key, payload, expiresAt: ends, ttlMs: ends - Date.now(), token: payload };
  } catch {
    throw new StoreError('ERR_STORE_DECODE', 'A session file cannot be read. It was left as it is; destroy() removes it.');
  }
}

/** A file that cannot be read must not end a walk. */
function readable(content: string | null): FileEntry | null {
  try {
    return parse(content);
  } catch {
    return null;
  }
}
