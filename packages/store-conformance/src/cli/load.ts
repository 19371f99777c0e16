import { pathToFileURL } from 'node:url';
import type { Target } from '../types.js';

/** The module can be loaded, and gives no target. */
export class NoTarget extends Error {
  override readonly name = 'NoTarget';
}

/**
 * The targets that a module's default export gives: a target, a function that makes one, or an array of either.
 *
 * @throws NoTarget, or what the module threw.
 */
export async function loadTargets(file: string): Promise<Target[]> {
  const url = pathToFileURL(file).href;
  const loaded: { default?: unknown } = await import(url);
  if (loaded.default === undefined) throw new NoTarget('the module has no default export: write "export default { name, create }"');
  if (isTarget(loaded.default)) return [withModule(loaded.default, url)];
  const made = typeof loaded.default === 'function' ? await makeOf(loaded.default) : loaded.default;
  const targets = await Promise.all((Array.isArray(made) ? made : [made]).map(resolveOne));
  if (targets.length === 0) throw new NoTarget('the module gives an empty list of targets');
  return targets;
}

async function resolveOne(item: unknown): Promise<Target> {
  const made = typeof item === 'function' ? await makeOf(item) : item;
  if (!isTarget(made)) throw new NoTarget('a target has a name and a method create(): write "export default { name, create }"');
  return made;
}

/** A class in place of a target is a common slip, and says "cannot be invoked without new". */
function makeOf(make: unknown): unknown {
  return (make as () => unknown)();
}

function isTarget(value: unknown): value is Target {
  if (typeof value !== 'object' || value === null) return false;
  return 'name' in value && typeof value.name === 'string' && 'create' in value && typeof value.create === 'function';
}

/** The file of a target that is the default export itself is what checks with a process of their own ask for. */
function withModule(target: Target, url: string): Target {
  return target.module === undefined && Object.isExtensible(target) ? Object.assign(target, { module: url }) : target;
}
