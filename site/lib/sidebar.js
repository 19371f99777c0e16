import { existing, item, itemsOf, readmesOf } from './pages.js';

const RUNNERS = new Set(['core', 'cli', 'store-conformance', 'testkit']);
const isStore = (name) => name.startsWith('store-') && !RUNNERS.has(name);
const isMiddleware = (name) => !isStore(name) && !RUNNERS.has(name);
/** Named below, where they belong. */
const PLACED = new Set(['contract.md', 'errors.md', 'frameworks.md', 'reliability.md', 'writing-a-store.md']);

const group = (text, items, collapsed) => ({ text, items, ...(collapsed === undefined ? {} : { collapsed }) });

/** What a folder of pages shows beside its README. */
function folder(name, text, collapsed) {
  const [first] = existing([[`docs/${name}/README.md`, 'Overview']]);
  return group(text, [...(first ? [first] : []), ...itemsOf(`docs/${name}`).map(shortened)], collapsed);
}

/** "From connect-redis" stands under "Moving in", and "Operating RedisStore" under "Operating": the word is said. */
function shortened({ text, link }) {
  return { text: text.replace(/^(From|Operating) /, '').replace(/^a /, 'A '), link };
}

export function sidebar() {
  return [
    group('Sessile', [
      item('README.md', 'Start'),
      ...existing([
        ['docs/frameworks.md', 'Frameworks'],
        ['docs/reliability.md', 'Reliability'],
      ]),
    ]),
    group('Stores', [...readmesOf('packages', isStore), item('packages/core/README.md')]),
    ...withItems('Middleware', readmesOf('packages', isMiddleware)),
    group(
      'Examples',
      readmesOf('examples', (name) => name !== 'store-file'),
      true,
    ),
    folder('migrating', 'Moving in', false),
    folder('operating', 'Operating', false),
    group('Reference', [
      item('docs/contract.md', 'The contract'),
      item('docs/errors.md', 'Errors'),
      ...itemsOf('docs', (name) => !PLACED.has(name)),
      ...existing([['packages/cli/README.md'], ['SECURITY.md', 'Security']]),
    ]),
    group('For authors', [
      item('docs/writing-a-store.md'),
      item('packages/store-conformance/README.md'),
      item('ARCHITECTURE.md'),
      item('CONTRIBUTING.md'),
      item('examples/store-file/README.md'),
    ]),
    folder('conformance', 'What the kit saw', true),
    folder('decisions', 'Decisions', true),
  ];
}

function withItems(text, items) {
  return items.length > 0 ? [group(text, items)] : [];
}
