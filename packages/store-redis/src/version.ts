import { StoreError } from '@sessile/core';
import { oneOfCluster } from './errors.js';
import type { Link, Server } from './link.js';

/** KEEPTTL and SCAN TYPE are of 6.0; 6.2 is the oldest that is supported. */
const OLDEST: readonly [major: number, minor: number] = [6, 2];

/**
 * Asks every primary what it is. One that refuses to tell (ACL, a proxy) is trusted.
 *
 * @returns the error of every call where one of them is too old, or is one of a cluster and is reached as a single server: a walk
 *   would go through a part of the sessions, and take it for all.
 * @see INFO
 */
export async function refusalOf(link: Link): Promise<StoreError | undefined> {
  const servers = await link.servers();
  const infos = await Promise.all(servers.map(infoOf));
  const old = infos.map(versionIn).find((version) => version !== undefined && isTooOld(version));
  if (old !== undefined) return tooOld(old);
  return !link.sharded && infos.some((info) => /^redis_mode:cluster/m.test(info)) ? oneOfCluster() : undefined;
}

async function infoOf(server: Server): Promise<string> {
  return String(await server.send('info', ['server']).catch(unlessRefused));
}

/** Valkey and its like tell the Redis that they replace. */
function versionIn(info: string): string | undefined {
  return /^redis_version:(\d+\.\d+\S*)/m.exec(info)?.[1];
}

function unlessRefused(error: unknown): string {
  if (error instanceof Error && /^(NOPERM|ERR unknown command)/.test(error.message)) return '';
  throw error;
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

function tooOld(version: string): StoreError {
  return new StoreError('ERR_STORE_UNSUPPORTED', `The server is Redis ${version}, and ${OLDEST.join('.')} or newer is needed. Update it.`);
}
