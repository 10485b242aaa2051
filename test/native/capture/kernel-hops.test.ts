import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import type { Capture } from '../../../native/capture/types.ts';
import { ofKind } from './both-ends.ts';
import { gapsOf, pod } from './conversation.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';
import { startRoutedPair } from './routed-pair.ts';

const serve = `
import { createServer } from 'node:http';
createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end('fine'));
}).listen(8080, () => console.log('up'));
`;

/** Some at once, some of them with bodies of several segments, on connections that are used again. */
const ask = (address: string): string => `
import { Agent, request } from 'node:http';
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const one = (body) => new Promise((resolve, reject) => {
  const sent = request({ host: '${address}', port: 80, path: '/p', method: 'POST', agent }, (response) => {
    response.resume();
    response.on('end', resolve);
  });
  sent.on('error', reject);
  sent.end(body);
});
await Promise.all(Array.from({ length: 40 }, (_, at) => one('x'.repeat(at * 500))));
agent.destroy();
console.log('done');
`;

const start = (boot: string, ...ifindexes: readonly number[]): [Capture, DecodedSpan[]] => {
  const spans: DecodedSpan[] = [];
  const capture = createCapture({
    boot,
    ringBytes: 4 * 1024 * 1024,
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
  });
  for (const ifindex of ifindexes) capture.attach(ifindex, { ...pod, name: `pod-${ifindex}` });
  return [capture, spans];
};

async function settled(capture: Capture, count: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { requests } = capture.ledger();
    if (requests.seen >= count && requests.open === 0) break;
    await delay(25);
  }
  await capture.flush();
}

const ids = (spans: readonly DecodedSpan[], of: (span: DecodedSpan) => string): string[] =>
  spans.map((span) => `${span.traceId} ${of(span)}`).sort();

const addresses = (spans: readonly DecodedSpan[]): Set<unknown> =>
  new Set(spans.map(({ attributes }) => attributes['network.peer.address']));

test.serial('both ends of requests through NAT are joined, by one agent and by two', async (t) => {
  using pair = startRoutedPair();
  t.is(await pair.run('server', serve), 'up');
  const { client, server } = pair.ifindexes;
  const [one, all] = start('1111111111111111', client, server);
  const [near, calls] = start('2222222222222222', client);
  const [far, serves] = start('3333333333333333', server);
  t.is(await pair.run('client', ask(pair.service)), 'done');
  await settled(one, 80);
  await settled(near, 40);
  await settled(far, 40);

  const callIds = ids(calls, ({ spanId }) => spanId);
  t.is(new Set(callIds).size, 40);
  t.deepEqual(
    ids(serves, ({ links }) => links[0]?.spanId ?? ''),
    callIds,
  );
  t.deepEqual(
    ids(ofKind(all, 'CLIENT'), ({ spanId }) => spanId),
    callIds,
  );
  t.deepEqual(
    ids(ofKind(all, 'SERVER'), ({ parentSpanId }) => parentSpanId),
    callIds,
  );
  // They are not told by addresses: the ends have none in common.
  t.deepEqual(addresses(calls), new Set(['198.19.1.1']));
  t.deepEqual(addresses(serves), new Set(['198.19.2.1']));
  for (const capture of [one, near, far]) {
    t.deepEqual(gapsOf(capture.ledger()), []);
    await capture.close();
  }
});
