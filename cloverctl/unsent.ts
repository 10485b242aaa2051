import { CloverError, type ErrorCode } from '../functions/lib/errors.ts';
import type { CliEnv } from './env.ts';

const ofAll = new Set<ErrorCode>(['CLV_CONTROL_PLANE_UNREACHABLE', 'CLV_UNAUTHORIZED']);

/** Whether what one document was refused with would be said of every other one, too. */
export function concernsAll(error: unknown): boolean {
  return error instanceof CloverError && ofAll.has(error.code);
}

/** Says on standard error how many documents were not sent after such an error. */
export function tellUnsent(count: number, { stderr }: Pick<CliEnv, 'stderr'>): void {
  if (count === 0) return;
  const documents = count === 1 ? 'document behind it was' : 'documents behind it were';
  stderr.write(`${count} ${documents} not sent\n`);
}
