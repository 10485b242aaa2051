import test from 'ava';

import { play, segmentsOfTurns, startReplay, type Turn } from './conversation.ts';
import { headers, HpackEncoder, reset } from './http2.ts';
import { opening } from './http2-conversation.ts';

const get = new HpackEncoder().encode(
  [
    [':method', 'GET'],
    [':path', '/'],
  ],
  'plain',
);

const answer = (stream: number, status: string, arm: string): Buffer =>
  headers(
    stream,
    new HpackEncoder().encode(
      [
        [':status', status],
        ['x-clover-arm', arm],
      ],
      'plain',
    ),
    true,
  );

test('streams of a splitting point count by arm from their start, open ones too', async (t) => {
  const turns: Turn[] = [
    ...opening,
    { from: 'client', bytes: Buffer.concat([1, 3, 5, 7, 9].map((id) => headers(id, get, true))) },
    {
      from: 'server',
      bytes: Buffer.concat([
        answer(3, '200', 'run-a.1.control'),
        answer(1, '503', 'run-a.1.variant'),
        answer(7, '200', 'run-a.1.variant'),
        reset(9, 2),
      ]),
    },
  ];
  const { replay } = startReplay();
  // The connection stays open, with stream 5.
  play(replay, segmentsOfTurns(turns, { clientIsn: 1, serverIsn: 2, cuts: [10_000] }).slice(0, -2));
  const cells = Object.fromEntries(
    replay
      .evidence(0)
      .cells.map(({ arm, started, done, errors }) => [arm, { started, done, errors }]),
  );
  t.deepEqual(cells, {
    '': { started: 2, done: 1, errors: 1 },
    control: { started: 1, done: 1, errors: 0 },
    variant: { started: 2, done: 2, errors: 1 },
  });
  t.is(replay.ledger().requests.open, 1);
  await replay.close();
});
