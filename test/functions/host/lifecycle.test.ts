import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { runRounds, type RoundOptions } from '../../rounds/rounds.ts';
import { postEvent, startServed } from '../../rounds/served.ts';
import { eventOf, temporaryFolder, until } from './helpers.ts';

/** Some rounds: nothing is lost, comes twice, fails or ends badly. Resolves with what was accepted. */
async function goodRounds(
  t: ExecutionContext,
  options: Omit<RoundOptions, 'progress'>,
): Promise<number> {
  const { rounds, accepted, invocations, unaccepted, ...bad } = await runRounds(options);
  t.deepEqual(bad, {
    failed: 0,
    failures: [],
    lost: 0,
    twice: 0,
    handledUnaccepted: 0,
    badEnds: 0,
  });
  t.is(rounds, options.rounds);
  t.log(`${accepted} accepted, ${unaccepted} on a closed connection, ${invocations} invocations`);
  return accepted;
}

test.serial('SIGTERM under load fails no request, loses nothing and ends with 0', async (t) => {
  const folder = await temporaryFolder(t);
  t.true((await goodRounds(t, { rounds: 4, signal: 'SIGTERM', folder })) > 40);
  t.is(await readFile(join(folder, 'closed'), 'utf8'), 'f\n'.repeat(5));
});

test.serial('a second SIGTERM ends at once and says how many were cut', async (t) => {
  const folder = await temporaryFolder(t);
  const { url, child, ended, log } = await startServed(folder);
  t.teardown(() => child.kill('SIGKILL'));
  const agent = new Agent();
  const cut = t.throwsAsync(postEvent(`${url}/functions/f`, eventOf({ type: 'endless' }), agent));
  const db = new DatabaseSync(join(folder, 'effects.db'), { timeout: 5_000 });
  t.teardown(() => db.close());
  await until(async () => {
    // Answered only after the endless one reached its handler: same connection order does not matter.
    await postEvent(`${url}/functions/f`, eventOf({ id: 'probe', type: 'slow' }), agent);
    return db.prepare("SELECT 1 FROM ledger WHERE id = 'probe'").get() !== undefined;
  });
  child.kill('SIGTERM');
  await until(() => log().includes('draining'));
  child.kill('SIGTERM');
  t.is(await ended, 1);
  t.regex(log(), /"cut":1,/);
  await cut;
});

test.serial('no accepted event is lost over SIGKILLs at random instants', async (t) => {
  const folder = await temporaryFolder(t);
  t.true((await goodRounds(t, { rounds: 8, signal: 'SIGKILL', folder })) > 0);
});
