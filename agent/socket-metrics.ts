import type { TextFamily } from '../functions/lib/metrics/prometheus-text.ts';
import type { SocketLedger } from '../native/capture/socket-ledger.ts';
import type { Causes } from './loss.ts';

/** Sockets of traced pods that closed, for Prometheus: whether what the kernel had counted at them came up. */
export function socketFamilies({
  compared,
  differ,
  uncompared,
}: Omit<SocketLedger, 'deafPoints'>): TextFamily[] {
  return [
    counterOf(
      'clover_agent_sockets_compared_total',
      'Sockets that closed and of which the counts of the kernel were compared with what the agent saw.',
      [{ labels: [], value: compared }],
    ),
    counterOf(
      'clover_agent_sockets_differing_total',
      'Sockets among those compared of which bytes were not seen: `lost` by the agent, or `bypass`, past it.',
      labelledBy('difference', differ),
    ),
    counterOf(
      'clover_agent_sockets_uncompared_total',
      'Sockets that closed and could not be compared, by reason.',
      labelledBy('reason', uncompared),
    ),
  ];
}

const counterOf = (name: string, help: string, series: TextFamily['series']): TextFamily => ({
  name,
  definition: { kind: 'counter', unit: '{socket}', labels: [], help, prometheus: name },
  series,
});

const labelledBy = (label: string, causes: Causes): TextFamily['series'] =>
  Object.entries(causes).map(([cause, value]) => ({ labels: [[label, cause]], value }));
