/** What the hook `error` gets. */

/** The error of a connection or of a hook. `cause` is what was thrown or emitted. */
export class WSError extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'WSError';
  }
}
