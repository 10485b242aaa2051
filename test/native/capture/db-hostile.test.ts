import test from 'ava';
import fc from 'fast-check';

import { segmentsOfTurns } from './conversation.ts';
import { readDatabase } from './db.ts';
import { recordedTurns } from './recorded-turns.ts';

/** What the clients of the recordings sent, and nobody may tell. */
const secrets = ['not-a-secret', 'socks', "'ann'", "O''Hara", 'no number', 'seven'];

for (const name of ['mysql', 'postgresql', 'redis']) {
  const connections = recordedTurns(name).filter((turns) => turns.length > 4);

  test(`${name}: whatever bytes are changed, the ledger closes`, async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 255 })), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 3 }),
        async (pick, changes, cuts) => {
          const turns = (connections[pick % connections.length] ?? []).map(({ from, bytes }) => ({
            from,
            bytes: Buffer.from(bytes),
          }));
          for (const [turn, at, value] of changes) {
            const bytes = turns[turn % turns.length]?.bytes ?? Buffer.alloc(1);
            bytes[at % Math.min(bytes.length, 64)] = value;
          }
          const { ledger } = await readDatabase(turns, cuts);
          t.is(ledger.requests.open, 0);
        },
      ),
      { numRuns: 400 },
    );
  });

  test(`${name}: whatever segments are missing, spans are those of the whole connection`, async (t) => {
    const whole = await Promise.all(
      connections.map(async (turns) => {
        const { spans } = await readDatabase(turns);
        return new Set(
          spans.map((span) => `${span.name} ${String(span.attributes['db.query.text'])}`),
        );
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(fc.nat({ max: 400 }), { maxLength: 6 }),
        fc.nat({ max: 20 }),
        fc.array(fc.integer({ min: 20, max: 3000 }), { minLength: 1, maxLength: 3 }),
        async (pick, missing, late, cuts) => {
          const index = pick % connections.length;
          const turns = connections[index] ?? [];
          // How it ends is seen: without that, what waits for its answer may still get one.
          const fins = segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts }).length - 2;
          const { spans, ledger } = await readDatabase(
            turns,
            cuts,
            (at) => at >= fins || (!missing.includes(at) && at >= late),
          );
          for (const span of spans) {
            const text = `${span.name} ${String(span.attributes['db.query.text'])}`;
            // What was prepared before is not known.
            const unknown = span.attributes['db.query.text'] === undefined;
            t.true(unknown || whole[index]?.has(text), text);
          }
          const told = JSON.stringify(spans.map(({ attributes }) => attributes));
          for (const secret of secrets) t.false(told.includes(secret));
          t.is(ledger.requests.open, 0);
        },
      ),
      { numRuns: 400 },
    );
  });
}
