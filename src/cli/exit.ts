/** The exit codes of the program, and the errors that lead to them. */

/** The exit codes of the program. */
export const Exit = {
  OK: 0,
  /** It could not connect, the connection failed, or a rule is broken. */
  FAILED: 1,
  /** The command line is wrong. */
  USAGE: 2,
} as const;

/** The command line is wrong: the message says what and what is right. */
export class UsageError extends Error {}

/** The command cannot do what it should, for a reason outside of this program. */
export class Failure extends Error {}
