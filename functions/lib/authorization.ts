import { readFile } from 'node:fs/promises';
import { CloverError } from './errors.ts';

/** A bearer token, or the file that has it now. */
export interface TokenOptions {
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonicMs: () => number;
}

/** Where a SinkBinding of Knative puts the token for its sink, if senders are asked there who they are. */
export const sinkTokenFile = '/oidc/token';

/** The kubelet writes another token well before the old one ends. */
const freshMs = 60_000;

/**
 * The value of `authorization` for the next request, undefined for none.
 *
 * @returns rejects with CloverError CLV_CONFIG_INVALID while the file cannot be read.
 */
export function createAuthorization(options: TokenOptions): () => Promise<string | undefined> {
  const { token, tokenFile, monotonicMs } = options;
  let text = token;
  let readAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (tokenFile !== undefined && monotonicMs() - readAt > freshMs) {
      text = await readFile(tokenFile, 'utf8').then(
        (content) => content.trim(),
        (cause: unknown) => {
          throw new CloverError('CLV_CONFIG_INVALID', `cannot read the token in ${tokenFile}`, {
            cause,
          });
        },
      );
      readAt = monotonicMs();
    }
    return text === undefined ? undefined : `Bearer ${text}`;
  };
}
