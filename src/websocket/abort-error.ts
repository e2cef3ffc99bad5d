/** The error of an operation that its signal ended. */

/** As the AbortError of Node: `name`, `code`, and the reason of the signal as `cause`. */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  readonly code = 'ABORT_ERR';

  constructor({ reason }: AbortSignal) {
    super('The operation was aborted', { cause: reason });
  }
}
