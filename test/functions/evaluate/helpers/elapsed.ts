import { toUnixMs } from '../../../../functions/lib/rfc3339.ts';

/**
 * Milliseconds from one time of a status to another one.
 * @throws TypeError when one of them is not there.
 */
export const elapsed = (from: string | undefined, to: string | undefined): number =>
  toUnixMs(to ?? '') - toUnixMs(from ?? '');
