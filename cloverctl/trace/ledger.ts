import type { CaptureLedger, FileEnd } from '../../native/capture/types.ts';

type Counts = Readonly<Record<string, number>>;

/** Where every request and every byte of a file went, as `trace --json` shows it in its last line. */
export interface TraceLedger {
  readonly kind: 'ledger';
  /** requests = spans + sampledOut + Σ lost. */
  readonly requests: number;
  readonly spans: number;
  /** Always 0: of a file nothing is left out. */
  readonly sampledOut: number;
  /** Requests by cause. */
  readonly lost: Counts;
  /** Of WebSocket, which are no requests: seen = spans + Σ lost. */
  readonly sessions: { readonly seen: number; readonly spans: number; readonly lost: Counts };
  /** Payload of TCP and UDP; seen = parsed + skipped + lost. */
  readonly bytes: {
    readonly seen: number;
    readonly parsed: number;
    readonly skipped: number;
    readonly lost: number;
  };
  /** Packets without TCP or UDP that anybody could read, by what they carry; their bytes are in no count. */
  readonly otherPackets: Counts;
}

const sum = (counts: Counts): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** The ledger of a file that was read to its end. */
export function traceLedger({ wire, bytes, requests, sessions }: CaptureLedger): TraceLedger {
  // What a hole took crossed the wire, as the sequence numbers say, and is in no packet of the file.
  const { hole = 0 } = bytes.lost;
  return {
    kind: 'ledger',
    requests: requests.seen,
    spans: requests.spans,
    sampledOut: requests.sampledOut,
    lost: requests.lost,
    sessions: { seen: sessions.seen, spans: sessions.spans, lost: sessions.lost },
    bytes: {
      seen: wire.payloadBytes + hole,
      parsed: bytes.parsed,
      skipped: sum(bytes.skipped) + bytes.pending,
      lost: sum(bytes.lost),
    },
    otherPackets: wire.otherPackets,
  };
}

const causes = (counts: Counts): string => {
  const parts = Object.entries(counts).map(([cause, count]) => `${cause} ${count}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
};

const lostOf = (lost: Counts): string => `${sum(lost)} lost${causes(lost)}`;

/** The same for people. */
export function ledgerLines(
  ledger: CaptureLedger,
  { packets }: Pick<FileEnd, 'packets'>,
): string[] {
  const { requests, spans, lost, sessions, bytes, otherPackets } = traceLedger(ledger);
  const others = sum(otherPackets);
  return [
    `packets:  ${packets}, ${ledger.connections.seen} connections` +
      (others === 0 ? '' : `, ${others} without TCP or UDP${causes(otherPackets)}`),
    `requests: ${requests} = ${spans} spans + ${lostOf(lost)}`,
    ...(sessions.seen === 0
      ? []
      : [`sessions: ${sessions.seen} = ${sessions.spans} spans + ${lostOf(sessions.lost)}`]),
    `bytes:    ${bytes.seen} = ${bytes.parsed} parsed + ${bytes.skipped} skipped${causes(ledger.bytes.skipped)}` +
      ` + ${bytes.lost} lost${causes(ledger.bytes.lost)}`,
  ];
}
