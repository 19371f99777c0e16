/**
 * The code in the pages: every block of JavaScript and TypeScript in the README files and in docs is type-checked, and run where it
 * needs no server. Of commands it is asked that the scripts, files and packages that they name are there. SQL runs in the tests of
 * store-postgres. `node scripts/docs-code.mjs` tells what is wrong; a block that is no program of its own says so in a comment before
 * it: `<!-- code: fragment of ... -->`, with declarations that it needs as further lines of that comment. Such a block is not run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = join(root, 'node_modules', '.cache', 'docs-code');
const EXTENSIONS = { js: '.mjs', ts: '.mts', cjs: '.cjs' };

/** What apps declare for themselves. */
const AMBIENT = `
import 'express-session';
declare module 'express-session' { interface SessionData { [name: string]: any } }
declare module 'fastify' { interface Session { [name: string]: any } }
declare module 'koa-session' ;
declare module 'koa-generic-session';
`;

/** Packages that pages speak of, and that are not installed here. */
const ABSENT = `declare module 'connect-sqlite3';`;

/** The same for the middlewares of ours: they and the stock ones both say what the session is, so that an app has one of them. */
const AMBIENT_OURS = `
import '@sessile/express';
import '@sessile/koa';
declare module '@sessile/express' { interface SessionData { [name: string]: any } }
declare module '@sessile/koa' { interface SessionData { [name: string]: any } }
`;

/** Packages that an example may need without a server. */
const WITHOUT_SERVER = /^(node:|@sessile\/(core|engine|store-memory|store-sqlite)(\/|$)|better-sqlite3$)/;

/** Lines of blocks of `sh`. */
const commands = [];

/** A block of code. `file` and `line` say where it stands; `before` is what its comment declares. */
function blocksOf(file) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const blocks = [];
  for (let at = 0; at < lines.length; at += 1) {
    const language = /^```(\w+)$/.exec(lines[at])?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (language === 'sh') commands.push(...lines.slice(at + 1, end).map((text, n) => ({ file, line: at + 2 + n, text })));
    if (language in EXTENSIONS) {
      blocks.push({ file, line: at + 1, language, before: declared(lines, at), text: lines.slice(at + 1, end).join('\n') });
    }
    at = end;
  }
  return blocks;
}

/** The comment right before a block: its first line names what it is a fragment of, the others are declarations. */
function declared(lines, at) {
  let last = at - 1;
  while (lines[last] === '') last -= 1;
  if (lines[last] === undefined || !lines[last].endsWith('-->')) return undefined;
  let first = last;
  while (!lines[first].startsWith('<!--')) first -= 1;
  const text = lines
    .slice(first, last + 1)
    .join('\n')
    .replace(/^<!--\s*|\s*-->$/g, '');
  return text.startsWith('code:') ? text.split('\n').slice(1).join('\n') : undefined;
}

function pages() {
  const own = readdirSync(root).filter((name) => extname(name) === '.md');
  const folders = ['packages', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name, 'README.md')),
  );
  const docs = readdirSync(join(root, 'docs'), { recursive: true })
    .map((name) => join('docs', String(name)))
    // Those of docs/conformance show files of conformance-peers/targets, and frameworks.md those of test/frameworks/examples: they run there.
    .filter((name) => extname(name) === '.md' && !/node_modules|\.vitepress|conformance\/|frameworks\.md/.test(name));
  return [...own, ...folders, ...docs].filter((name) => {
    try {
      return readFileSync(join(root, name)).length > 0;
    } catch {
      return false;
    }
  });
}

const blocks = pages().flatMap(blocksOf);
rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
for (const [index, block] of blocks.entries()) {
  // Declarations are TypeScript.
  const extension = block.before ? (block.language === 'cjs' ? '.cts' : '.mts') : EXTENSIONS[block.language];
  block.name = `${String(index).padStart(3, '0')}${extension}`;
  block.head = block.before ? `${block.before}\n` : '';
  // A fragment is a module of its own, so that two of them may declare the same name.
  writeFileSync(
    join(scratch, block.name),
    `${block.head}${block.text}\n${/^(import|export) /m.test(block.text + block.head) || block.language === 'cjs' ? '' : 'export {};\n'}`,
  );
}

const problems = [...checked(), ...ran(), ...commands.flatMap(misnamed)];
for (const problem of problems) console.error(problem);
console.log(
  `${blocks.length} blocks of code and ${commands.length} lines of commands in the pages: ${problems.length === 0 ? 'all right' : `${problems.length} problems`}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

function checked() {
  const options = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable', 'dom'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    allowJs: true,
    checkJs: true,
    strict: false,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    allowSyntheticDefaultImports: true,
    esModuleInterop: true,
  };
  const ours = blocks.filter(({ text, head }) => /@sessile\/(express|koa|egg)\b/.test(text + head));
  return [
    ...compiled(
      options,
      AMBIENT,
      blocks.filter((block) => !ours.includes(block)),
    ),
    ...compiled(options, AMBIENT_OURS, ours),
  ];
}

function compiled(compilerOptions, ambient, some) {
  writeFileSync(join(scratch, 'ambient.d.ts'), ambient);
  writeFileSync(join(scratch, 'absent.d.ts'), ABSENT);
  writeFileSync(
    join(scratch, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['ambient.d.ts', 'absent.d.ts', ...some.map(({ name }) => name)] }),
  );
  const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', scratch, '--pretty', 'false'], { cwd: scratch, encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(placed);
}

/** A message of the compiler, with the place in the page. */
function placed(message) {
  const [, name, line, rest] = /^(\d{3}\.\w+)\((\d+),\d+\): (.*)$/.exec(message) ?? [];
  const block = blocks.find((one) => one.name === name);
  if (block === undefined) return message;
  const at = block.line + Number(line) - block.head.split('\n').length + 1;
  return `${block.file}:${at}: ${rest}`;
}

function ran() {
  return blocks.flatMap((block) => {
    if (block.before !== undefined || /\.listen\(|await app\.listen/.test(block.text)) return [];
    const imports = [...block.text.matchAll(/(?:from |import |require\()'([^']+)'/g)].map(([, name]) => name);
    if (!imports.some((name) => name.startsWith('@sessile/')) || !imports.every((name) => WITHOUT_SERVER.test(name))) return [];
    return run(block);
  });
}

function run({ file, line, name }) {
  const folder = mkdtempSync(join(tmpdir(), 'sessile-docs-'));
  const { status, stderr, error } = spawnSync(process.execPath, [join(scratch, name)], { cwd: folder, encoding: 'utf8', timeout: 20_000 });
  rmSync(folder, { recursive: true, force: true });
  return status === 0 ? [] : [`${file}:${line}: it ended with ${status ?? error?.message}: ${stderr.slice(0, 500)}`];
}

/** What a command names and is not there. */
function misnamed({ file, line, text }) {
  const [command = ''] = text.split(' #');
  const there = [
    [/\bnpm run ([\w:-]+)/g, (name) => name in scripts()],
    [/\b(?:node|npx vitest run) ((?:\w[\w-]*\/)+[\w.-]+)/g, (path) => existsSync(join(root, path))],
    [/\bnpm install ((?:-[\w-]+ |[@\w][@\w/.-]* ?)+)/g, (names) => names.split(' ').filter(isName).every(isInstalled)],
  ];
  return there.flatMap(([pattern, isThere]) =>
    [...command.matchAll(pattern)]
      .filter(([, name]) => !isThere(name))
      .map(([, name]) => `${file}:${line}: there is no ${name.trim()}: ${text.trim()}`),
  );
}

function scripts() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts;
}

function isName(word) {
  return /^[@\w]/.test(word);
}

/** Here, and so at least no misspelling. */
function isInstalled(name) {
  return existsSync(join(root, 'node_modules', name));
}
