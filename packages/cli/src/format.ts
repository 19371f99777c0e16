const SECOND_MS = 1000;
const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['y', 31_536_000_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', SECOND_MS],
];

/** `98,230` */
export function number(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `1 session`, `2 sessions` */
export function sessions(count: number): string {
  return `${number(count)} ${count === 1 ? 'session' : 'sessions'}`;
}

/** `850 B`, `1.0 KB`, `12 MB`: in thousands. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const [unit, value] = count < 999_500 ? ['KB', count / 1000] : ['MB', count / 1_000_000];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** `23h 59m`, `8.2s`: the two largest units. */
export function duration(ms: number): string {
  if (ms < 10 * SECOND_MS) return `${(ms / SECOND_MS).toFixed(1)}s`;
  const at = UNITS.findIndex(([, unit]) => ms >= unit);
  const [name, unit] = UNITS[at] as (typeof UNITS)[number];
  const [lesser, part] = UNITS[at + 1] ?? [];
  const rest = part === undefined ? 0 : Math.floor((ms % unit) / part);
  return `${Math.floor(ms / unit)}${name}${rest > 0 ? ` ${rest}${lesser}` : ''}`;
}

/** `2026-11-26 18:40:12`, in UTC. */
export function moment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/**
 * A text of somebody else's as a terminal may show it: what it would take for a command is written out.
 *
 * Control characters of both blocks, line and paragraph separators, and marks that turn the direction of writing.
 */
export function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, escaped);
}

/** The same for JSON over several lines. */
export function cleanJson(text: string): string {
  return text.replaceAll(/(?!\n)[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A text in lines of a width. A word that is longer stays whole: it may be a URL. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
