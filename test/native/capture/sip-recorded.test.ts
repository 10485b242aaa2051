import { readFileSync } from 'node:fs';

import test from 'ava';
import { z } from 'zod';

import { gapsOf, readPackets, segmentsOfTurns, startNs } from './conversation.ts';
import { brief, sipFlow } from './sip.ts';

const messages = z.array(
  z.object({ us: z.number(), from: z.enum(['client', 'server']), text: z.string() }),
);

/*
 * What the stack of the package `sip` 0.0.6 wrote, as caller and as called, over UDP and over TCP: OPTIONS, an INVITE that was
 * refused with 486, and a call that rang, was answered and ended.
 */
const recorded = z
  .object({ udp: messages, tcp: messages })
  .parse(JSON.parse(readFileSync(new URL('recorded/sip.json', import.meta.url), 'utf8')));

const expected = (transport: string): string[] => [
  `OPTIONS SERVER 200 ${transport}-options`,
  `INVITE SERVER 486 ${transport}-busy`,
  `INVITE SERVER 200 ${transport}-call`,
  `BYE SERVER 200 ${transport}-call`,
  `SIP dialog SERVER 200 ${transport}-call`,
];

test('what a real stack says over UDP is told', async (t) => {
  const { spans, ledger } = await readPackets(
    sipFlow(
      ...recorded.udp.map(
        ({ us, from, text }) =>
          [
            from === 'client' ? 'in' : 'out',
            Buffer.from(text, 'latin1'),
            { timeNs: startNs + BigInt(us) * 1_000n },
          ] as const,
      ),
    ),
  );
  t.deepEqual(
    spans.map((span) => `${brief(span)} ${span.attributes['sip.call_id']}`),
    expected('UDP'),
  );
  const answered = spans.find(({ name }) => name === 'SIP dialog')?.attributes[
    'clover.sip.time_to_answer'
  ];
  t.true(typeof answered === 'number' && answered > 60_000_000 && answered < 70_000_000);
  t.deepEqual(ledger.bytes.skipped, {});
  t.deepEqual(gapsOf(ledger), []);
});

for (const cut of [1, 100, 10_000])
  test(`what a real stack says over TCP is told in segments of ${cut}`, async (t) => {
    const turns = recorded.tcp.map(({ from, text }) => ({
      from,
      bytes: Buffer.from(text, 'latin1'),
    }));
    const { spans, ledger } = await readPackets(
      segmentsOfTurns(turns, { clientIsn: 1, serverIsn: 2, cuts: [cut] }),
    );
    t.deepEqual(
      spans.map((span) => `${brief(span)} ${span.attributes['sip.call_id']}`),
      expected('TCP'),
    );
    t.deepEqual(ledger.bytes.skipped, {});
    t.deepEqual(gapsOf(ledger), []);
  });
