import { CloverError } from '../../functions/lib/errors.ts';

/** Errors of the addon, and of a missing build, become ours. */
export function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'MODULE_NOT_FOUND')
      throw new CloverError(
        'CLV_CAPTURE_UNAVAILABLE',
        'native/capture is not built: run the set-up',
        {
          cause,
        },
      );
    if (code === 'CLV_CAPTURE_UNAVAILABLE' && cause instanceof Error)
      throw new CloverError('CLV_CAPTURE_UNAVAILABLE', cause.message, { cause });
    throw cause;
  }
}
