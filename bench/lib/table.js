/**
 * @typedef {object} Table
 * @property {string} title
 * @property {string} [note]
 * @property {string[]} head
 * @property {string[][]} rows
 */

/**
 * A table for a terminal: columns aligned, numbers to the right.
 *
 * @param {Table} table
 */
export function toText({ title, note, head, rows }) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (/** @type {string[]} */ row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [`\n${title}`, ...(note === undefined ? [] : [note]), '', line(head), rule, ...rows.map(line), ''].join('\n');
}

/**
 * The same as Markdown.
 *
 * @param {Table} table
 */
export function toMarkdown({ title, note, head, rows }) {
  const line = (/** @type {string[]} */ row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = `|${head.map((_, column) => (column === 0 ? '---' : '---:')).join('|')}|`;
  return [`### ${title}`, '', ...(note === undefined ? [] : [note, '']), line(head), rule, ...rows.map(line), ''].join('\n');
}
