import type { TextFamily } from '../functions/lib/metrics/prometheus-text.ts';
import type { SocketLedger } from '../native/capture/socket-ledger.ts';
import { by, counter } from './metric-families.ts';

/** Sockets of traced pods that closed, for Prometheus: whether what the kernel had counted at them came up. */
export function socketFamilies({
  compared,
  differ,
  uncompared,
}: Omit<SocketLedger, 'deafPoints'>): TextFamily[] {
  return [
    counter(
      'sockets_compared',
      'Sockets that closed and of which the counts of the kernel were compared with what the agent saw.',
      compared,
    ),
    counter(
      'sockets_differing',
      'Sockets among those compared of which bytes were not seen: `lost` by the agent, or `bypass`, past it.',
      by('difference', differ),
    ),
    counter(
      'sockets_uncompared',
      'Sockets that closed and could not be compared, by reason.',
      by('reason', uncompared),
    ),
  ];
}
