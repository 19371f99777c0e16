import { peek } from '@sessile/core/stored';
import { type Context, placeIn, withStore } from '../context.js';
import { describe, type Described, endOf } from '../describe.js';
import { EXIT } from '../errors.js';
import { clean, cleanJson, number } from '../format.js';
import { findOne } from './find.js';

const FORMS: Readonly<Record<Described['form'], string>> = {
  plain: 'JSON',
  packed: 'JSON, compressed or wrapped',
  encrypted: 'encrypted: this program has no key',
  other: 'not JSON: shown as it is stored',
};

/** `sessile show URL ID` */
export function show(context: Context): Promise<number> {
  const { request, out, progress } = context;
  const [url, word = ''] = request.words;
  return withStore(context, placeIn(context, url), 'read', async ({ sessions }) => {
    progress.begin('looking');
    const session = await findOne(context, sessions, word);
    progress.end();
    const described = describe(session, true);
    const data = dataOf(session.payload);
    if (request.json) await out.json({ ...described, data: data ?? null });
    else await out.line([...facts(described), '', text(data)].join('\n'));
    return EXIT.ok;
  });
}

/** Undefined where it is encrypted. */
function dataOf(payload: string): unknown {
  const seen = peek(payload);
  if ('session' in seen) return seen.session;
  return seen.form === 'encrypted' ? undefined : payload;
}

function facts(described: Described): string[] {
  const [when, left] = endOf(described);
  return [
    `ref        ${described.ref}`,
    `stored id  ${clean(described.id ?? '')}`,
    `ends       ${left === '' ? when : `${when} UTC (in ${left})`}`,
    `size       ${number(described.bytes)} bytes`,
    `data       ${FORMS[described.form]}`,
  ];
}

function text(data: unknown): string {
  if (data === undefined) return '(encrypted)';
  return typeof data === 'string' ? clean(data) : cleanJson(JSON.stringify(data, undefined, 2));
}
