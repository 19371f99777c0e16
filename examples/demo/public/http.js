/** An answer that is not a success. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const get = (path) => call(path, { method: 'GET' });

/** The header is one that a form of another site cannot send. */
export const post = (path, body = {}) =>
  call(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Sessile-Demo': '1' },
    body: JSON.stringify(body),
  });

async function call(path, init) {
  const response = await fetch(path, init).catch(() => {
    throw new Refused(0, 'The server does not answer.');
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer.error ?? `The server answered ${response.status}.`);
  return answer;
}
