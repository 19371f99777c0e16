type Thunk = (callback: (error: unknown, value?: unknown) => void) => void;

/**
 * What a store of any age answers with, as a promise: a value, a promise, a thunk that wants a callback, or a generator that yields
 * any of these.
 */
export async function settle(answer: unknown): Promise<unknown> {
  if (typeof answer === 'function') return fromThunk(answer as Thunk);
  return isGenerator(answer) ? run(answer) : answer;
}

function fromThunk(thunk: Thunk): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever the store says
    thunk((error, value) => (error ? reject(error) : resolve(value)));
  });
}

function isGenerator(answer: unknown): answer is Generator<unknown, unknown, unknown> {
  const { next, throw: fail } = (answer ?? {}) as Partial<Generator>;
  return typeof next === 'function' && typeof fail === 'function';
}

async function run(generator: Generator<unknown, unknown, unknown>): Promise<unknown> {
  let step = generator.next();
  while (!step.done) {
    try {
      const value = await settle(step.value);
      step = generator.next(value);
    } catch (error) {
      step = generator.throw(error);
    }
  }
  return settle(step.value);
}
