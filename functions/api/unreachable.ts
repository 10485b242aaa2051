import { CloverError } from '../lib/errors.ts';

/** What a failed connection is called, and one to a port that fetch does not go to. */
export function unreachable(url: URL | string, cause: unknown): CloverError {
  const reason =
    cause instanceof Error ? (cause.cause instanceof Error ? cause.cause : cause).message : '';
  if (reason === 'bad port') {
    const { origin, port } = new URL(url);
    const text = `${origin} is not asked: port ${port} belongs to another protocol, and browsers and fetch block it; let the control plane listen on another`;
    return new CloverError('CLV_ARGUMENT_INVALID', text, { cause });
  }
  return new CloverError(
    'CLV_CONTROL_PLANE_UNREACHABLE',
    `no control plane answers at ${new URL(url).origin}${reason === '' ? '' : ` (${reason})`}; start one with "cloverctl up", or name another with --server`,
    { cause },
  );
}

/** What an answer is called that no control plane gives. */
export function notClover(url: URL | string, why: string, cause?: unknown): CloverError {
  return new CloverError(
    'CLV_CONTROL_PLANE_UNREACHABLE',
    `${new URL(url).origin} answers, but not as a Clover control plane (${why}); name another with --server or --context`,
    { cause },
  );
}
