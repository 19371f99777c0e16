import { inContainer } from './containers.js';
import { onThisMachine } from './local.js';
import { RECIPES } from './recipes.js';
import type { BackendName, OwnServer, ServerOptions, Skipped } from './types.js';

type Start = typeof inContainer;

const WAYS: ReadonlyMap<string, Start> = new Map([
  ['container', inContainer],
  ['local', onThisMachine],
]);

/**
 * `SESSILE_SERVERS=container` or `local` allows one way only; CI sets it, so that it tests what it says. `local,container` turns
 * their order round.
 */
function ways(): readonly (readonly [string, Start])[] {
  const names = process.env['SESSILE_SERVERS']?.split(',') ?? [...WAYS.keys()];
  return names.flatMap((name) => {
    const start = WAYS.get(name);
    return start === undefined ? [] : [[name, start] as const];
  });
}

/** Starts a server: in a container, else by a program of this machine. Tells why where neither can. */
export async function startServer(name: BackendName, options: ServerOptions = {}): Promise<OwnServer | Skipped> {
  const reasons: string[] = [];
  for (const [way, start] of ways()) {
    try {
      return await start(RECIPES[name], options);
    } catch (error) {
      reasons.push(`${way}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return required(name, reasons.join('; '));
}

/** @throws Error where `SESSILE_REQUIRE` names this server: CI must not pass by skipping. */
function required(name: BackendName, reason: string): Skipped {
  const skip = `no ${name} server (${reason}); set ${RECIPES[name].variable}, start Docker, or install it`;
  const asked = (process.env['SESSILE_REQUIRE'] ?? '').split(',');
  // `redis` asks for the cluster and the newer release too.
  if (asked.includes('all') || asked.some((word) => word !== '' && name.startsWith(word))) throw new Error(`SESSILE_REQUIRE: ${skip}`);
  return { skip };
}
