import type { SchemaResult, StandardSchema } from './options.js';

/**
 * Checks the data of a session before they are saved.
 *
 * @throws SessionSchemaError where they do not fit; TypeError where the validator answers with a promise.
 */
export function checkData(schema: StandardSchema, session: object): void {
  const { cookie: _, ...data } = session as { cookie?: unknown };
  checkValue(schema, data);
}

/** As {@link checkData}, for data without a cookie among them. */
export function checkValue(schema: StandardSchema, data: object): void {
  const result = schema['~standard'].validate(data);
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new TypeError('the schema of the session validates asynchronously; a save cannot wait for it. Use a synchronous schema.');
  }
  if (result.issues !== undefined) throw new SessionSchemaError(result.issues);
}

/** The data of a session do not fit its schema: it was not saved. */
export class SessionSchemaError extends Error {
  override readonly name = 'SessionSchemaError';
  readonly code = 'ERR_SESSION_SCHEMA';
  /** What the validator said. It may quote data: the message does not. */
  declare readonly issues: NonNullable<SchemaResult['issues']>;

  constructor(issues: NonNullable<SchemaResult['issues']>) {
    const places = [...new Set(issues.map(({ path }) => (path ?? []).map(keyOf).join('.') || '(the whole)'))];
    super(`the session was not saved: its data do not fit the schema at ${places.join(', ')}`);
    Object.defineProperty(this, 'issues', { value: issues });
  }
}

function keyOf(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === 'object' ? part.key : part);
}
