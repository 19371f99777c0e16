import { StoreError } from '@sessile/core';
import type { Link, Server } from './link.js';

/** KEEPTTL and SCAN TYPE are of 6.0; 6.2 is the oldest that is supported. */
const OLDEST: readonly [major: number, minor: number] = [6, 2];

/**
 * Asks every primary for its version. One that refuses to tell (ACL, a proxy) is trusted.
 *
 * @returns a version that is too old, where there is one.
 * @see INFO
 */
export async function tooOldVersion(link: Link): Promise<string | undefined> {
  const servers = await link.servers();
  const versions = await Promise.all(servers.map(versionOf));
  return versions.find((version) => version !== undefined && isTooOld(version));
}

async function versionOf(server: Server): Promise<string | undefined> {
  const info = await server.send('info', ['server']).catch(unlessRefused);
  // Valkey and its like tell the Redis that they replace.
  return /^redis_version:(\d+\.\d+\S*)/m.exec(String(info))?.[1];
}

function unlessRefused(error: unknown): string {
  if (error instanceof Error && /^(NOPERM|ERR unknown command)/.test(error.message)) return '';
  throw error;
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

/** The error of every call to such a server. */
export function unserved(version: string): StoreError {
  return new StoreError('ERR_STORE_UNSUPPORTED', `The server is Redis ${version}, and ${OLDEST.join('.')} or newer is needed. Update it.`);
}
