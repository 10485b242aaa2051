import type { ExecutionContext } from 'ava';
import type { Stand } from './stand.ts';

/** The looks are one chain, the intents are dense, and the gateway only ever went on. */
export async function assertNothingTwice(t: ExecutionContext, stand: Stand): Promise<void> {
  const run = await stand.run();
  const looks = await stand.evidence.looks(run?.metadata.name ?? '');
  t.true(looks.length > 0);
  t.deepEqual(
    looks.map(({ number }) => number),
    looks.map((_, index) => index + 1),
  );
  for (const [index, look] of looks.entries()) {
    if (index > 0) t.is(look.previous, looks[index - 1]?.hash ?? '');
  }
  const epochs = (run?.status.intents ?? []).map(({ epoch }) => epoch);
  t.deepEqual(
    epochs,
    epochs.map((_, index) => index + 1),
  );
  const versions = stand.gateway.applied.map(({ version }) => version);
  t.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  );
}
