import { randomBytes } from 'node:crypto';

/** What is shown to the control plane in one process. */
export interface Tokens {
  /** Of every caller: they may do everything. */
  readonly callers: string;
  /** Of agents, on every node: good for what they send, and for nothing else. */
  readonly agents: string;
}

/** Tokens that nobody guesses: 43 characters of base64url each. */
export function randomTokens(): Tokens {
  return { callers: randomToken(), agents: randomToken() };
}

function randomToken(): string {
  return randomBytes(32).toString('base64url');
}
