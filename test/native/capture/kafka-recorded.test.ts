import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import test from 'ava';

import { gapsOf, startReplay } from './conversation.ts';
import { readPcap } from './pcap.ts';

const brokerPort = 46_309;

/*
 * librdkafka 2 (by way of confluent-kafka for Python) and its own mock broker over lo: a producer of five
 * records in one batch and three of 3 kB, one that asks for no acknowledgements, and a consumer of a group
 * that polls all eight, commits and leaves.
 */
test('a recording of librdkafka gives what its application did', async (t) => {
  const { replay, spans } = startReplay();
  const file = gunzipSync(readFileSync(new URL('recorded/kafka.pcap.gz', import.meta.url)));
  for (const { timeNs, frame } of readPcap(file))
    replay.frame(7, frame.readUInt16BE(36) === brokerPort, timeNs, frame);
  await replay.flush();
  const ledger = replay.ledger();
  await replay.close();
  t.deepEqual(gapsOf(ledger), []);
  t.deepEqual(ledger.bytes.skipped, {});
  t.deepEqual(ledger.requests.lost, {});

  const of = (name: string): string[] =>
    spans
      .filter((span) => span.name === name)
      .map(({ attributes: a }) =>
        [
          a['messaging.client.id'],
          a['messaging.consumer.group.name'],
          a['messaging.destination.partition.id'],
          a['messaging.batch.message_count'],
          a['kafka.offset'],
        ].join(' '),
      );
  t.deepEqual(of('send orders'), ['shop-producer  0 5 0', 'shop-producer  0 3 5']);
  t.deepEqual(of('send events'), ['shop-quiet  0 2 ']);
  t.deepEqual(of('commit orders'), ['shop-consumer billing 0  8']);
  // Since version 13 a Fetch names topics by their ids.
  const polled = spans.filter(({ name }) => name.startsWith('poll'));
  const records = polled.map(({ attributes: a }) =>
    Number(a['messaging.batch.message_count'] ?? 0),
  );
  t.is(
    records.reduce((sum, count) => sum + count, 0),
    8,
  );
  for (const name of ['JoinGroup', 'SyncGroup', 'Heartbeat', 'OffsetFetch', 'LeaveGroup'])
    t.true(
      of(name).every((line) => line.startsWith('shop-consumer billing')) && of(name).length > 0,
      name,
    );
  // The mock has no ApiVersions 3, and the client closes while it waits for records.
  const failed = spans.filter(({ attributes: a }) => a['error.type'] !== undefined);
  t.deepEqual(
    [
      ...new Set(
        failed.map(({ name, attributes: a }) => `${name.split(' ')[0]} ${a['error.type']}`),
      ),
    ],
    ['ApiVersions UNSUPPORTED_VERSION', 'poll connection_closed', 'Metadata connection_closed'],
  );
});
