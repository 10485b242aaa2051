import fc from 'fast-check';

import { createReplay } from '../../../native/capture/capture.ts';
import type {
  CaptureLedger,
  CaptureOptions,
  CaptureWindow,
  PodIdentity,
  Replay,
} from '../../../native/capture/types.ts';
import { flag, frameOf, type TcpSegment, type UdpDatagram } from './frames.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';

/** The pod of the tests. */
export const pod: PodIdentity = {
  namespace: 'shop',
  name: 'cart-1',
  uid: 'uid-1',
  node: 'node-1',
  service: 'cart',
  version: 'v2',
};

/** One second into a Unix second, so that short conversations stay in one block. */
export const startNs = 1_790_000_000_100_000_000n;

/** A request and its response as bytes, and what the span has to say. */
export interface Exchange {
  readonly request: Buffer;
  readonly response: Buffer;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

const head = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

function chunked(body: string, size: number): string {
  const parts: string[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.slice(at, at + size);
    parts.push(`${part.length.toString(16)};x=1\r\n${part}\r\n`);
  }
  return `${parts.join('')}0\r\nx-trailer: 1\r\n\r\n`;
}

/** Any exchange that ends by itself: lengths, chunks, HEAD, 204, 304 and a 100 before the answer. */
export const exchange: fc.Arbitrary<Exchange> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'),
    path: fc.stringMatching(/^\/[a-z0-9/._-]{0,12}$/),
    status: fc.constantFrom(200, 201, 204, 304, 404, 500, 503),
    body: fc.string({ maxLength: 300, unit: fc.constantFrom('a', '\r', '\n', 'H', '0', ' ') }),
    sent: fc.string({ maxLength: 200, unit: fc.constantFrom('b', '\r', '\n', 'G', '1') }),
    chunk: fc.integer({ min: 0, max: 40 }),
    interim: fc.boolean(),
  })
  .map(({ method, path, status, body, sent, chunk, interim }) => {
    const sends = method === 'POST' || method === 'PUT';
    const empty = method === 'HEAD' || status === 204 || status === 304;
    const framing = (text: string): string[] =>
      chunk > 0 ? ['Transfer-Encoding: chunked'] : [`Content-Length: ${text.length}`];
    const framed = (text: string): string => (chunk > 0 ? chunked(text, chunk) : text);
    const requestHead = head([
      `${method} ${path} HTTP/1.1`,
      'Host: cart.shop',
      ...(sends ? framing(sent) : []),
    ]);
    const responseHead = head([`HTTP/1.1 ${status} Fine`, 'Server: t', ...framing(body)]);
    const continued = interim ? head(['HTTP/1.1 100 Continue']) : '';
    return {
      method,
      path,
      status,
      request: Buffer.from(requestHead + (sends ? framed(sent) : ''), 'latin1'),
      response: Buffer.from(continued + responseHead + (empty ? '' : framed(body)), 'latin1'),
      requestBytes: sends ? sent.length : 0,
      responseBytes: empty ? 0 : body.length,
    };
  });

/** Where a conversation begins in both sequence spaces and how its writes are cut. */
export interface Wire {
  readonly clientIsn: number;
  readonly serverIsn: number;
  /** Sizes of the segments, used in turn. */
  readonly cuts: readonly number[];
  readonly podServes?: boolean;
  readonly peerPort?: number;
  readonly timeNs?: bigint;
  readonly stepNs?: bigint;
}

/** Bytes that one end writes after it has seen all that was written before. */
export interface Turn {
  readonly from: 'client' | 'server';
  readonly bytes: Uint8Array;
}

/** What the client writes in one go. */
export const client = (...parts: readonly Uint8Array[]): Turn => ({
  from: 'client',
  bytes: Buffer.concat(parts),
});

/** What the server writes in one go. */
export const server = (...parts: readonly Uint8Array[]): Turn => ({
  from: 'server',
  bytes: Buffer.concat(parts),
});

/** Segments of a conversation in which the requests of each group are pipelined. */
export function segmentsOf(groups: readonly (readonly Exchange[])[], wire: Wire): TcpSegment[] {
  const turns = groups.flatMap((group): Turn[] => [
    { from: 'client', bytes: Buffer.concat(group.map(({ request }) => request)) },
    { from: 'server', bytes: Buffer.concat(group.map(({ response }) => response)) },
  ]);
  return segmentsOfTurns(turns, wire);
}

/** Segments of a connection from its SYN to both FINs, in which the ends write in turn. */
export function segmentsOfTurns(turns: readonly Turn[], wire: Wire): TcpSegment[] {
  const out: TcpSegment[] = [];
  const next = { client: wire.clientIsn, server: wire.serverIsn };
  const podServes = wire.podServes ?? true;
  let cut = 0;
  const send = (from: 'client' | 'server', flags: number, payload: Uint8Array): void => {
    out.push({
      toPod: (from === 'client') === podServes,
      seq: next[from],
      ack: next[from === 'client' ? 'server' : 'client'],
      flags,
      payload,
      timeNs: (wire.timeNs ?? startNs) + BigInt(out.length) * (wire.stepNs ?? 10_000n),
      podPort: podServes ? 8080 : (wire.peerPort ?? 40_000),
      peerPort: podServes ? (wire.peerPort ?? 40_000) : 8080,
    });
    const taken = payload.length + ((flags & (flag.syn | flag.fin)) === 0 ? 0 : 1);
    next[from] = (next[from] + taken) >>> 0;
  };
  const write = (from: 'client' | 'server', bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length;) {
      const size = wire.cuts[cut++ % wire.cuts.length] ?? 1;
      send(from, flag.ack, bytes.subarray(at, at + size));
      at += size;
    }
  };
  send('client', flag.syn, new Uint8Array());
  send('server', flag.syn | flag.ack, new Uint8Array());
  for (const { from, bytes } of turns) write(from, bytes);
  send('client', flag.fin | flag.ack, new Uint8Array());
  send('server', flag.fin | flag.ack, new Uint8Array());
  return out;
}

/** A replay with the test's pod on interface 7, and the spans that it gave so far. */
export function startReplay({
  window,
  ...options
}: Partial<CaptureOptions> & { window?: CaptureWindow } = {}): {
  replay: Replay;
  spans: DecodedSpan[];
} {
  const spans: DecodedSpan[] = [];
  const replay = createReplay({
    boot: '00112233445566ff',
    onBatch: (batch) => spans.push(...decodeSpans(batch.otlp)),
    ...options,
  });
  if (window !== undefined) replay.setWindow(window);
  replay.attach(7, pod);
  return { replay, spans };
}

/** Feeds segments and datagrams in the order given. */
export function play(replay: Replay, segments: readonly (TcpSegment | UdpDatagram)[]): void {
  for (const segment of segments) replay.frame(7, segment.toPod, segment.timeNs, frameOf(segment));
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** What does not add up in a ledger; empty where it closes. */
export function gapsOf(ledger: CaptureLedger): string[] {
  const { wire, bytes, takenOver } = ledger;
  const { hole = 0, ...lost } = bytes.lost;
  const known = bytes.parsed + bytes.pending + sum(bytes.skipped) + sum(lost);
  const came = wire.payloadBytes + takenOver.bytes;
  return [
    ...(known === came ? [] : [`bytes: ${known} of ${came}`]),
    ...(['requests', 'sessions'] as const).flatMap((what) => {
      const { seen, spans, sampledOut, open, lost: gone } = ledger[what];
      const ended = spans + sampledOut + open + sum(gone);
      return ended === seen ? [] : [`${what}: ${ended} of ${seen}`];
    }),
    ...(hole >= 0 ? [] : ['hole']),
  ];
}

/** What packets give; the clock goes on for `untilNs` after {@link startNs}, in steps of a second. */
export async function readPackets(
  packets: readonly (TcpSegment | UdpDatagram)[],
  untilNs = 0n,
): Promise<{ spans: DecodedSpan[]; ledger: CaptureLedger }> {
  const { replay, spans } = startReplay();
  play(replay, packets);
  const step = 1_000_000_000n;
  for (let at = step; at <= untilNs; at += step) replay.advance(startNs + at);
  await replay.flush();
  const ledger = replay.ledger();
  await replay.close();
  return { spans, ledger };
}

/** Some of these packets in any order and number, a millisecond apart. */
export const inAnyOrder = <T extends TcpSegment | UdpDatagram>(
  packets: readonly T[],
): fc.Arbitrary<T[]> =>
  fc
    .array(fc.constantFrom(...packets), { minLength: 1, maxLength: 40 })
    .map((some) =>
      some.map((packet, step) => ({ ...packet, timeNs: startNs + BigInt(step) * 1_000_000n })),
    );

/** Where a conversation whose bytes do not matter begins, and that it comes in few pieces. */
export const wire = { clientIsn: 5, serverIsn: 9, cuts: [60_000] } as const;

/** Lines of a head, and its end. */
export const headOf = (...lines: readonly string[]): Buffer =>
  Buffer.from([...lines, '', ''].join('\r\n'));
