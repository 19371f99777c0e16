/**
 * A line that tells how far it is: on a terminal only.
 *
 * @param {string} title
 */
export function progressLine(title) {
  const { stderr } = process;
  const started = Date.now();
  const write = (/** @type {string} */ text) => stderr.isTTY && stderr.write(`\r\x1b[K${text.slice(0, (stderr.columns ?? 80) - 1)}`);
  return {
    /** @type {(done: number, of: number, what: string) => void} */
    step: (done, of, what) => {
      const seconds = (Date.now() - started) / 1000;
      const left = done === 0 ? '' : `, ${Math.ceil((seconds / done) * (of - done))} s left`;
      write(`${title}: ${Math.floor((done / of) * 100)} %${left} (${what})`);
    },
    end: () => write(''),
  };
}
