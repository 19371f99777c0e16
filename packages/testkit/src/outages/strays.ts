/** Keeps what nobody caught, in place of the test runner, until it is told to stop. */
export class Strays implements Disposable {
  readonly found: unknown[] = [];
  readonly #keep: (error: unknown) => void;

  /** @param isForeign whether an error is a client library's own affair. */
  constructor(isForeign: (error: unknown) => boolean = () => false) {
    this.#keep = (error) => {
      if (!isForeign(error)) this.found.push(error);
    };
    process.on('unhandledRejection', this.#keep);
    process.on('uncaughtException', this.#keep);
  }

  [Symbol.dispose](): void {
    process.off('unhandledRejection', this.#keep);
    process.off('uncaughtException', this.#keep);
  }
}
