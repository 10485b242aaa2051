import test from 'ava';
import fc from 'fast-check';

import {
  callee,
  caller,
  ofKind,
  onItsWay,
  seenFromBothEnds,
  type Sight,
  spansAt,
} from './both-ends.ts';
import { client, exchange, server, wire, type Turn } from './conversation.ts';
import { answerOf, flow, queryOf, types, www } from './dns.ts';
import { headers } from './http2.ts';
import { base, block, ok, opening } from './http2-conversation.ts';
import type { DecodedSpan } from './otlp.ts';
import { command } from './redis.ts';
import { callOf } from './sip.ts';

const parent = 'b7ad6b7169203331';
const trace = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${trace}-${parent}-01`;

const get = (...fields: readonly string[]): Turn =>
  client(Buffer.from(['GET /p HTTP/1.1', 'Host: cart', ...fields, '', ''].join('\r\n')));
const fine = server(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));

const sightsOf = (turns: readonly Turn[], of: Parameters<typeof seenFromBothEnds>[1]): Sight[] => {
  const seen = seenFromBothEnds(turns, of);
  return onItsWay(seen.caller, seen.callee);
};

/** Whether each SERVER span names the CLIENT span of its request: as its parent, or by a link. */
const joined = (spans: readonly DecodedSpan[], by: 'parent' | 'link'): boolean => {
  const [calls, serves] = [ofKind(spans, 'CLIENT'), ofKind(spans, 'SERVER')];
  return (
    calls.length === serves.length &&
    serves.every(({ traceId, parentSpanId, links }, index) => {
      const call = calls[index];
      const named = by === 'parent' ? parentSpanId : links[0]?.spanId;
      const others = by === 'parent' ? links.length === 0 : links[0]?.traceId === traceId;
      return call !== undefined && traceId === call.traceId && named === call.spanId && others;
    })
  );
};

test('an agent that sees both ends makes the SERVER span a child of the CLIENT span', async (t) => {
  const spans = await spansAt(sightsOf([get(), fine, get(), fine], wire));
  t.true(joined(spans, 'parent'));
  t.is(new Set(spans.map(({ traceId }) => traceId)).size, 2);
  t.deepEqual(
    spans.map(({ attributes }) => attributes['clover.hop']),
    Array.from({ length: 4 }, () => 'tcp.sequence'),
  );
  t.deepEqual(
    ofKind(spans, 'CLIENT').map(({ parentSpanId }) => parentSpanId),
    ['', ''],
  );
});

test('two agents that never talk agree: the SERVER span links the CLIENT span, and promises no parent', async (t) => {
  const sights = sightsOf([get(), fine], wire);
  const spans = [
    ...(await spansAt(sights, { [caller]: {} }, '1111111111111111')),
    ...(await spansAt(sights, { [callee]: {} }, '2222222222222222')),
  ];
  t.true(joined(spans, 'link'));
  t.is(ofKind(spans, 'SERVER')[0]?.parentSpanId, '');
});

test('in a trace of the application the CLIENT span is its child, and the SERVER span that of the CLIENT span', async (t) => {
  const sights = sightsOf([get(`traceparent: ${traceparent}`), fine], wire);
  const together = await spansAt(sights);
  t.true(joined(together, 'parent'));
  t.like(ofKind(together, 'CLIENT')[0], { traceId: trace, parentSpanId: parent, flags: 0x301 });
  // The CLIENT span of another agent may not exist: who is surely there stays the parent.
  const [alone] = await spansAt(sights, { [callee]: {} });
  t.like(alone, { traceId: trace, parentSpanId: parent });
  t.is(alone?.links[0]?.spanId, ofKind(together, 'CLIENT')[0]?.spanId);
});

test('requests whose responses never came are joined, too', async (t) => {
  const spans = await spansAt(sightsOf([get(), fine, get()], wire));
  t.is(spans.length, 4);
  t.true(joined(spans, 'parent'));
});

test('what the caller keeps no span of is nobody’s parent', async (t) => {
  const sights = sightsOf([get(), fine], wire);
  const spans = await spansAt(sights, { [caller]: { ratio: 0 }, [callee]: {} });
  t.is(spans.length, 1);
  t.like(spans[0], { kind: 2, parentSpanId: '', links: [] });
});

test('two agents keep the same requests of those without a context', async (t) => {
  const turns = Array.from({ length: 200 }, () => [get(), fine]).flat();
  const sights = sightsOf(turns, wire);
  const half = { ratio: 0.5 };
  const calls = await spansAt(sights, { [caller]: half }, '1111111111111111');
  const serves = await spansAt(sights, { [callee]: half }, '2222222222222222');
  t.true(calls.length > 50 && calls.length < 150);
  t.true(joined([...calls, ...serves], 'link'));
});

test('two connections through a proxy are two hops', async (t) => {
  const before = sightsOf([get(), fine], wire);
  const behind = sightsOf([get(), fine], { ...wire, clientIsn: 77, serverIsn: 99 });
  const spans = [...(await spansAt(before)), ...(await spansAt(behind))];
  t.is(new Set(spans.map(({ traceId }) => traceId)).size, 2);
});

test('streams of HTTP/2 are joined each by itself, whatever segments they share', async (t) => {
  const requests = [1, 3, 5].map((stream) => headers(stream, block(...base), true));
  const answers = [5, 1, 3].map((stream) => headers(stream, ok, true));
  const spans = await spansAt(
    sightsOf([...opening, client(...requests), server(...answers)], wire),
  );
  t.is(spans.length, 6);
  const calls = ofKind(spans, 'CLIENT');
  t.is(new Set(calls.map(({ spanId }) => spanId)).size, 3);
  t.deepEqual(
    ofKind(spans, 'SERVER')
      .map(({ parentSpanId }) => parentSpanId)
      .sort(),
    calls.map(({ spanId }) => spanId).sort(),
  );
});

test('commands of Redis in one segment are joined each by itself', async (t) => {
  const asked = client(Buffer.from(command('GET', 'a') + command('SET', 'b', 'c')));
  const answered = server(Buffer.from('$-1\r\n+OK\r\n'));
  const spans = await spansAt(sightsOf([asked, answered], wire));
  const calls = ofKind(spans, 'CLIENT').map(({ name, spanId }) => [name, spanId].join(' '));
  const serves = ofKind(spans, 'SERVER').map(({ name, parentSpanId }) =>
    [name, parentSpanId].join(' '),
  );
  t.is(calls.length, 2);
  t.deepEqual(serves.sort(), calls.sort());
});

test('SIP is joined by its transaction, over UDP, too; a dialog is no hop', async (t) => {
  const called = callOf('c-9');
  const calling = called.map((packet) => ({ ...packet, toPod: !packet.toPod }));
  const spans = await spansAt(onItsWay(calling, called));
  const named = (name: string): Map<number, DecodedSpan> =>
    new Map(spans.filter((span) => span.name === name).map((span) => [span.kind, span]));
  for (const name of ['INVITE', 'BYE']) {
    const both = named(name);
    t.is(both.get(2)?.parentSpanId, both.get(3)?.spanId);
    t.is(both.get(2)?.traceId, both.get(3)?.traceId);
    t.is(both.get(3)?.attributes['clover.hop'], 'sip.transaction');
  }
  const dialogs = named('SIP dialog');
  t.is(dialogs.size, 2);
  for (const { parentSpanId, attributes } of dialogs.values()) {
    t.is(parentSpanId, '');
    t.false('clover.hop' in attributes);
  }
});

test('of DNS over UDP nothing is guessed', async (t) => {
  const calling = flow(['up', queryOf(7, www, types.A)], ['down', answerOf(7, www, types.A)]);
  const called = calling.map(({ toPod, podPort, peerPort, ...packet }) => ({
    ...packet,
    toPod: !toPod,
    podPort: peerPort,
    peerPort: podPort,
  }));
  const spans = await spansAt(onItsWay(calling, called));
  t.is(spans.length, 2);
  t.is(new Set(spans.map(({ traceId }) => traceId)).size, 2);
  t.true(spans.every(({ links, parentSpanId }) => links.length === 0 && parentSpanId === ''));
});

test('any conversation, cut and ordered by each end in its own way, through a wrap of the numbers', async (t) => {
  const isn = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constant(2 ** 32 - 20));
  const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });
  const groups = fc.array(fc.array(exchange, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  });
  const swaps = fc.array(fc.nat(), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ clientIsn: isn, serverIsn: isn, cuts, calleeCuts: cuts, groups, swaps }),
      async ({ groups: all, swaps: moved, calleeCuts, ...on }) => {
        const turns = all.flatMap((group): Turn[] => [
          client(...group.map(({ request }) => request)),
          server(...group.map(({ response }) => response)),
        ]);
        const seen = seenFromBothEnds(turns, on, calleeCuts);
        const at = (end: typeof caller | typeof callee): Sight[] =>
          (end === caller ? seen.caller : seen.callee).map((packet) => ({ at: end, packet }));
        const late = at(callee);
        for (const swap of moved) {
          // The handshake tells the roles.
          const [one, two] = [2 + (swap % (late.length - 2)), 2 + ((swap + 1) % (late.length - 2))];
          const [first, second] = [late[one], late[two]];
          if (first !== undefined && second !== undefined)
            [late[one], late[two]] = [
              { at: callee, packet: { ...second.packet, timeNs: first.packet.timeNs } },
              { at: callee, packet: { ...first.packet, timeNs: second.packet.timeNs } },
            ];
        }
        const calls = await spansAt(at(caller), { [caller]: {} }, '1111111111111111');
        const serves = await spansAt(late, { [callee]: {} }, '2222222222222222');
        const ids = calls.map(({ spanId }) => spanId).sort();
        t.is(new Set(ids).size, all.flat().length);
        t.deepEqual(serves.map(({ links }) => links[0]?.spanId ?? '').sort(), ids);
      },
    ),
    { numRuns: 300 },
  );
});
