import { CommanderError } from 'commander';
import { CloverError, type ErrorCode } from '../functions/lib/errors.ts';

/** Exit codes of cloverctl, as its help tells them. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  invalid: 4,
  unreachable: 5,
  notCompared: 6,
  stopped: 130,
} as const;

/** The exit codes for the end of the help. */
export const exitCodeHelp = `
Exit codes:
  0  ok
  1  the request failed; of diff: there are differences; of doctor: something is bad; of status: a part is not ready
  2  wrong usage
  3  not found
  4  the resource, document, event or capture file is invalid
  5  the control plane, or the cluster, is unreachable
  6  of diff: the request failed
130  stopped by a signal before its end`;

const byCode: Partial<Record<ErrorCode, number>> = {
  CLV_ARGUMENT_INVALID: exitCodes.usage,
  CLV_CAPTURE_FILE_INVALID: exitCodes.invalid,
  CLV_EVENT_INVALID: exitCodes.invalid,
  CLV_FILTER_INVALID: exitCodes.usage,
  CLV_CONTROL_PLANE_UNREACHABLE: exitCodes.unreachable,
  CLV_KUBERNETES_UNREACHABLE: exitCodes.unreachable,
  CLV_NOT_FOUND: exitCodes.notFound,
  CLV_RESOURCE_INVALID: exitCodes.invalid,
};

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  return (error instanceof CloverError ? byCode[error.code] : undefined) ?? exitCodes.failed;
}
