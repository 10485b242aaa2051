import fc from 'fast-check';

import { type CaptureLedger, never, type Replay } from '../../../native/capture/types.ts';
import { play, startNs, startReplay } from './conversation.ts';
import type { TcpSegment, UdpDatagram } from './frames.ts';
import type { DecodedSpan } from './otlp.ts';

const afterNs = 5_000_000_000n;

type Packet = TcpSegment | UdpDatagram;

/** What has to be the same whoever makes the span, in an order that is the same too. */
export const told = (spans: readonly DecodedSpan[]): string[] =>
  spans
    .map(({ name, kind, startNs: from, endNs, attributes, events }) =>
      JSON.stringify([
        String(from),
        String(endNs),
        name,
        kind,
        attributes,
        events.map((event) => [event.name, String(event.timeNs), event.attributes]),
      ]),
    )
    .toSorted();

/** When each of two replays does what, as indexes of packets. */
export interface Handover {
  /** The first that the second one sees. */
  readonly joined: number;
  /** It has not read this one yet when it is told. */
  readonly held: number;
  /** The first has not read this one yet when it tells. */
  readonly cut: number;
  /** What begins with this one is the second one's. */
  readonly from: number;
  /** The first ends before this one, and does not wait for requests that are open; it does where this is left out. */
  readonly given?: number;
}

/** What two replays made of packets. */
export interface TwoReplays {
  /** Of both. */
  readonly spans: DecodedSpan[];
  /** How many are the second one's. */
  readonly own: number;
  readonly ledgers: [CaptureLedger, CaptureLedger];
}

/** Reads packets with two replays, of which the second one takes over; `change` is what becomes of the state on its way. */
export async function readHandedOver(
  packets: readonly Packet[],
  { joined, held, cut, from, given }: Handover,
  change: (state: Buffer) => Uint8Array = (state) => state,
): Promise<TwoReplays> {
  const old = startReplay();
  const next = startReplay({ boot: '00112233445566aa', window: { fromNs: never, untilNs: never } });
  play(old.replay, packets.slice(0, cut));
  play(next.replay, packets.slice(joined, held));
  next.replay.advance(packets[cut]?.timeNs ?? startNs);
  next.replay.takeOver(change(old.replay.handOver()));
  const at = packets[from]?.timeNs ?? never;
  old.replay.setWindow({ fromNs: 0n, untilNs: at });
  next.replay.setWindow({ fromNs: at, untilNs: never });
  play(next.replay, packets.slice(held, given));
  play(old.replay, packets.slice(cut, given));
  const end = async ({ replay }: { replay: Replay }): Promise<CaptureLedger> => {
    replay.advance((packets.at(-1)?.timeNs ?? startNs) + afterNs);
    await replay.flush();
    const ledger = replay.ledger();
    await replay.close();
    return ledger;
  };
  if (given !== undefined) {
    next.replay.takeOverRequests(old.replay.handOverRequests());
    old.replay.detach(7);
    play(next.replay, packets.slice(given));
  }
  const ledgers: [CaptureLedger, CaptureLedger] = [await end(old), await end(next)];
  return { spans: [...old.spans, ...next.spans], own: next.spans.length, ledgers };
}

/** The same with one. */
export async function readByOne(packets: readonly Packet[]): Promise<DecodedSpan[]> {
  const { replay, spans } = startReplay();
  play(replay, packets);
  await replay.flush();
  await replay.close();
  return spans;
}

/** Of segments, used in turn. */
export const sizes: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 400 }), {
  minLength: 1,
  maxLength: 6,
});

/** Shares of the way that is left, in percent. */
export const marks: fc.Arbitrary<readonly number[]> = fc.tuple(
  fc.nat(50),
  fc.nat(40),
  fc.nat(40),
  fc.nat(20),
);

/** The same, of which the first replay ends, too. */
export const marksToTheEnd: fc.Arbitrary<readonly number[]> = fc.tuple(
  fc.nat(50),
  fc.nat(40),
  fc.nat(40),
  fc.nat(20),
  fc.nat(60),
);

/** What becomes of a state on its way: some bytes change, and it may be cut off. The head stays: that is another test's. */
export const damage: fc.Arbitrary<(state: Buffer) => Buffer> = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
    fc.option(fc.nat()),
  )
  .map(([changes, cutOff]) => (state: Buffer) => {
    for (const [at, byte] of changes) state[8 + (at % (state.length - 8))] = byte;
    return cutOff === null ? state : state.subarray(0, cutOff % state.length);
  });

/** A handover of so many packets, by {@link marks}. */
export function handoverAt(count: number, shares: readonly number[]): Handover {
  let at = 0;
  const [joined = 0, held = 0, cut = 0, from = 0, given] = shares.map(
    (share) => (at += Math.floor(((count - 1 - at) * share) / 100)),
  );
  return { joined, held, cut, from, ...(given === undefined ? {} : { given }) };
}
