import { createReplay } from '../../../native/capture/capture.ts';
import type { Replay } from '../../../native/capture/types.ts';
import type { Sampling } from '../../../native/capture/trace-settings.ts';
import { gapsOf, pod, segmentsOfTurns, type Turn, type Wire } from './conversation.ts';
import { frameOf, type TcpSegment, type UdpDatagram } from './frames.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';

/** The interfaces of the pod that calls, and of the one that is called. */
export const caller = 7;
export const callee = 8;

/** What an interface sees, in the order in which it does. */
export interface Sight {
  readonly at: typeof caller | typeof callee;
  readonly packet: TcpSegment | UdpDatagram;
}

const behind = (segment: TcpSegment, peerPort: number): TcpSegment => ({ ...segment, peerPort });

/** A conversation as its caller's interface sees it, and as that of the other end does: behind NAT of both ends' ports. */
export function seenFromBothEnds(
  turns: readonly Turn[],
  wire: Wire,
  calleeCuts: readonly number[] = wire.cuts,
): Record<'caller' | 'callee', TcpSegment[]> {
  const calling = segmentsOfTurns(turns, { ...wire, podServes: false });
  const called = segmentsOfTurns(turns, { ...wire, cuts: calleeCuts });
  return {
    caller: calling.map((segment) => behind(segment, 80)),
    callee: called.map((segment) => behind(segment, 61_234)),
  };
}

/** Each packet at the interface of who sends it, and then at that of who it goes to. */
export const onItsWay = (
  calling: readonly (TcpSegment | UdpDatagram)[],
  called: readonly (TcpSegment | UdpDatagram)[],
): Sight[] =>
  calling.flatMap((packet, index): Sight[] => {
    const other = called[index];
    const here: Sight = { at: caller, packet };
    const there: Sight[] = other === undefined ? [] : [{ at: callee, packet: other }];
    return packet.toPod ? [...there, here] : [here, ...there];
  });

/** A replay of an agent that traces the pods at these interfaces. */
export async function spansAt(
  sights: readonly Sight[],
  traced: Readonly<Record<number, Sampling>> = { [caller]: {}, [callee]: {} },
  boot = '00112233445566ff',
): Promise<DecodedSpan[]> {
  const spans: DecodedSpan[] = [];
  const replay: Replay = createReplay({
    boot,
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
  });
  for (const [ifindex, sampling] of Object.entries(traced))
    replay.attach(Number(ifindex), { ...pod, name: `pod-${ifindex}` }, sampling);
  for (const { at, packet } of sights)
    if (at in traced) replay.frame(at, packet.toPod, packet.timeNs, frameOf(packet));
  await replay.flush();
  const gaps = gapsOf(replay.ledger());
  await replay.close();
  if (gaps.length > 0) throw new Error(gaps.join('; '));
  return spans;
}

/** The spans of a kind, in order of start. */
export const ofKind = (spans: readonly DecodedSpan[], kind: 'CLIENT' | 'SERVER'): DecodedSpan[] =>
  spans
    .filter((span) => span.kind === (kind === 'CLIENT' ? 3 : 2))
    .sort((a, b) => Number(a.startNs - b.startNs));
