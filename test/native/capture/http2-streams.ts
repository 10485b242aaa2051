import fc from 'fast-check';

import type { Turn } from './conversation.ts';
import {
  data,
  frame,
  frameFlag,
  headers,
  HpackEncoder,
  type HeaderField,
  settings,
} from './http2.ts';
import { opening } from './http2-conversation.ts';
import type { DecodedSpan } from './otlp.ts';

/** What the span of a stream has to say. */
export interface StreamTruth {
  readonly method: string;
  readonly path: string;
  readonly agent: string;
  readonly status: number;
  readonly sent: number;
  readonly got: number;
}

/** A connection with concurrent streams. */
export interface Streams {
  readonly turns: readonly Turn[];
  readonly truths: readonly StreamTruth[];
}

interface Plan {
  readonly method: string;
  readonly agent: string;
  readonly status: string;
  readonly sent: readonly number[];
  readonly got: readonly number[];
  readonly trailers: boolean;
  readonly interim: boolean;
  readonly padding: number;
  readonly part: number;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  agent: fc.constantFrom('agent/1', 'agent/2', 'agent/3'),
  status: fc.constantFrom('200', '201', '302', '404', '500', '503'),
  sent: fc.array(fc.nat(600), { maxLength: 3 }),
  got: fc.array(fc.nat(900), { maxLength: 4 }),
  trailers: fc.boolean(),
  interim: fc.boolean(),
  padding: fc.constantFrom(0, 0, 1, 20),
  part: fc.constantFrom(3, 20, 16_384, 16_384),
});

const filler = (size: number): Buffer => Buffer.alloc(size, '\0\0\x08\x06GET / HTTP/1.1\r\n');

function dataFrame(stream: number, size: number, end: boolean, padding: number): Buffer {
  if (padding === 0) return data(stream, filler(size), end);
  const payload = Buffer.concat([Buffer.from([padding]), filler(size), Buffer.alloc(padding)]);
  return frame(0, frameFlag.padded | (end ? frameFlag.endStream : 0), stream, payload);
}

/** The frames of one end of a stream, made when their turn comes: the table depends on the order. */
function* framesOf(
  stream: number,
  encoder: HpackEncoder,
  head: readonly HeaderField[],
  sizes: readonly number[],
  { trailers, interim, padding, part }: Plan,
  answers: boolean,
): Generator<Buffer, void, void> {
  if (answers && interim)
    yield headers(
      stream,
      encoder.encode([
        [':status', '103'],
        ['link', '/x'],
      ]),
    );
  const last = sizes.length - 1;
  yield headers(stream, encoder.encode(head), last < 0 && !trailers, part);
  for (const [index, size] of sizes.entries())
    yield dataFrame(stream, size, index === last && !trailers, padding);
  if (trailers) yield headers(stream, encoder.encode([['x-check', `${stream % 7}`]]), true, part);
}

/** Builds a connection; `choices` say who writes what next. */
function build(plans: readonly Plan[], choices: readonly number[]): Streams {
  const [asking, answering] = [new HpackEncoder(), new HpackEncoder()];
  const turns: Turn[] = [
    ...opening,
    { from: 'client', bytes: frame(4, frameFlag.ack, 0, Buffer.alloc(0)) },
  ];
  const waiting = plans.map((one, index) => ({ one, stream: 2 * index + 1 }));
  const running: { from: Turn['from']; frames: Generator<Buffer, void, void> }[] = [];
  for (let step = 0; waiting.length > 0 || running.length > 0; step++) {
    const pick =
      (choices[step % choices.length] ?? 0) % (running.length + (waiting.length > 0 ? 1 : 0));
    const chosen = running[pick];
    if (chosen === undefined) {
      const next = waiting.shift();
      if (next === undefined) throw new Error('nothing left');
      const { one, stream } = next;
      const asked = framesOf(
        stream,
        asking,
        [
          [':method', one.method],
          [':scheme', 'http'],
          [':path', `/s/${stream}?token=${stream}`],
          [':authority', 'shop.example'],
          ['user-agent', one.agent],
        ],
        one.sent,
        one,
        false,
      );
      const answered = framesOf(stream, answering, [[':status', one.status]], one.got, one, true);
      const first = asked.next();
      if (!first.done) turns.push({ from: 'client', bytes: first.value });
      running.push({ from: 'client', frames: asked }, { from: 'server', frames: answered });
      continue;
    }
    const following = chosen.frames.next();
    if (following.done) running.splice(pick, 1);
    else turns.push({ from: chosen.from, bytes: following.value });
  }
  const truths = plans.map((one, index) => ({
    method: one.method,
    path: `/s/${2 * index + 1}`,
    agent: one.agent,
    status: Number(one.status),
    sent: one.sent.reduce((sum, size) => sum + size, 0),
    got: one.got.reduce((sum, size) => sum + size, 0),
  }));
  return { turns: [...turns, { from: 'server', bytes: settings() }], truths };
}

/** Connections of up to `most` streams, in any order that the protocol allows; a request is whole before its response ends. */
export const streams = (most: number): fc.Arbitrary<Streams> =>
  fc
    .tuple(
      fc.array(plan, { minLength: 1, maxLength: most }),
      fc.array(fc.nat(1000), { minLength: 5, maxLength: 40 }),
    )
    .map(([plans, choices]) => build(plans, choices));

/** What differs between a span and the truth about its stream; nothing where the span only says less, and says so. */
export function liesOf({ attributes: a }: DecodedSpan, truths: readonly StreamTruth[]): string[] {
  const truth = truths.find(({ path }) => path === a['url.path']);
  const incomplete = a['clover.incomplete'] === 1;
  if (truth === undefined) return a['url.path'] === undefined && incomplete ? [] : ['path'];
  const lies: string[] = [];
  for (const [key, value] of [
    ['http.request.method', truth.method],
    ['user_agent.original', truth.agent],
    ['http.response.status_code', truth.status],
    ['http.response.body.size', truth.got],
    ['url.query', 'token=REDACTED'],
  ] as const)
    if (a[key] === undefined ? !incomplete : a[key] !== value)
      lies.push(`${key}: ${a[key]} for ${value}`);
  return lies;
}
