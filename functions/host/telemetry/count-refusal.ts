import { asCloverError } from '../problem.ts';
import type { Telemetry } from '../telemetry.ts';

/**
 * Counts an event that the broker was not given, by what was wrong with it. What found no room in the queue is not
 * counted here: the queue does, whoever sent it.
 */
export function countRefusal(
  telemetry: Telemetry,
  error: unknown,
  stage: 'read' | 'publish',
): void {
  const { code, status } = asCloverError(error);
  if (code === 'CLV_OVERLOADED') {
    if (stage === 'read') telemetry.count('clover.broker.refused', 1, { cause: 'overload' });
  } else if (status < 500) {
    const cause = code === 'CLV_BODY_TOO_LARGE' ? 'body' : 'invalid';
    telemetry.count('clover.broker.refused', 1, { cause });
  }
}

/** Counts a request whose sender was not let in, by what was found out about them. */
export function countSenderRefusal(telemetry: Pick<Telemetry, 'count'>, error: unknown): void {
  const { code } = asCloverError(error);
  const cause =
    code === 'CLV_UNAUTHORIZED' ? 'token' : code === 'CLV_FORBIDDEN' ? 'account' : 'unknown';
  telemetry.count('clover.host.senders.refused', 1, { cause });
}
