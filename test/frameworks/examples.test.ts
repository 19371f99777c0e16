import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, freePorts } from '@sessile/testkit';
import ts from 'typescript';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';

const examples = fileURLToPath(new URL('examples', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
mkdirSync(cache, { recursive: true });
// Within the repository, so that what is copied there finds its packages.
const scratch = mkdtempSync(join(cache, 'examples-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What starts each program, in a folder of its own. */
const programs: Record<string, (folder: string) => readonly string[]> = {
  'express.js': () => [join(examples, 'express.js')],
  'node-http.js': () => [join(examples, 'node-http.js')],
  'nest.ts': compiled,
  'koa-session.js': () => [join(examples, 'koa-session.js')],
  'koa-generic-session.js': () => [join(examples, 'koa-generic-session.js')],
  'fastify.js': () => [join(examples, 'fastify.js')],
  egg: (folder) => {
    // It writes its logs beside its code.
    cpSync(join(examples, 'egg'), folder, { recursive: true });
    return ['-e', "require('egg').start().then((app) => app.listen(process.env.PORT))"];
  },
};

/** As `nest build` does, whose projects are CommonJS. */
function compiled(folder: string): readonly string[] {
  const source = readFileSync(join(examples, 'nest.ts'), 'utf8');
  const compilerOptions = {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2023,
    esModuleInterop: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  };
  const file = join(folder, 'main.cjs');
  writeFileSync(file, ts.transpileModule(source, { compilerOptions }).outputText);
  return [file];
}

/** Starts a program, and waits until it answers. */
async function started(name: string): Promise<string> {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const [port] = await freePorts(1);
  const child = spawn(process.execPath, [...programs[name]!(folder)], { cwd: folder, env: { ...process.env, PORT: `${port}` } });
  onTestFinished(() => ended(child));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said}`);
    if (await answers(url)) return url;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || !child.kill('SIGKILL')) return;
  await once(child, 'exit');
}

describe('the programs of docs/frameworks.md', () => {
  it.each(Object.keys(programs))('%s keeps the session of each visitor', async (name) => {
    const url = await started(name);
    const [visitor, other] = [new Client(url), new Client(url)];
    for (const n of [1, 2, 3]) expect((await visitor.get('/')).text).toBe(`views: ${n}`);
    expect((await other.get('/')).text).toBe('views: 1');
  });
});
