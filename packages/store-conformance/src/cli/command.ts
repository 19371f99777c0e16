/** As it is written on a command line: in quotes where a shell would take it apart. */
export function quoted(text: string): string {
  return /^[\w./@:\\-]+$/.test(text) ? text : `"${text.replace(/["$`]/g, '\\$&')}"`;
}
