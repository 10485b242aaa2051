import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { createClient } from '@clickhouse/client';
import test, { type ExecutionContext } from 'ava';
import { createClickHouseEvidenceStore } from '../../../functions/evidence/clickhouse-evidence-store.ts';
import type { EvidenceStore } from '../../../functions/evidence/evidence-store.ts';
import { log, startTestClickHouse, type TestClickHouse } from '../analytics/start.ts';
import { evidenceSuite } from './evidence-suite.ts';
import type { EvidenceHarness } from './harness.ts';

/** Runs a statement, and gives what it answers as text. */
async function run(server: TestClickHouse, statement: string): Promise<string> {
  const { url, username, password } = server.server();
  const client = createClient({ url, username, password });
  try {
    const { stream } = await client.exec({ query: statement });
    return (await text(stream)).trim();
  } finally {
    await client.close();
  }
}

const started = Promise.withResolvers<TestClickHouse>();
test.before('ClickHouse is up', async (t) => {
  t.timeout(60_000);
  started.resolve(await startTestClickHouse());
});
test.after.always('ClickHouse is taken down', async () => {
  await (await started.promise).remove();
});

async function open(
  t: ExecutionContext,
): Promise<EvidenceHarness & { readonly database: string; readonly server: TestClickHouse }> {
  const server = await started.promise;
  const database = `t_${randomBytes(4).toString('hex')}`;
  const { url, username, password } = server.server();
  let now = 100_000;
  const another = async (): Promise<EvidenceStore> => {
    const store = createClickHouseEvidenceStore(
      { url, username, password, database },
      { clock: { now: () => now }, log },
    );
    t.teardown(() => store.close());
    return store;
  };
  return { store: await another(), at: (time) => void (now = time), another, database, server };
}

evidenceSuite(test.serial, 'clickhouse', open, 12);

const lookOf = (number: number, hash: string) => ({
  run: 'r',
  number,
  previous: 'p',
  hash,
  body: '{}',
});

test.serial(
  'a number that was taken by an append which died before its look stood there is given again',
  async (t) => {
    const { store, database, server } = await open(t);
    t.true(await store.appendLook(lookOf(1, 'a')));
    // The token stays taken, as it does when the server dies between the token and the part.
    await run(server, `DELETE FROM ${database}.evidence_looks WHERE number = 1`);
    t.is(await store.lastLook('r'), undefined);
    t.true(await store.appendLook(lookOf(1, 'b')));
    t.false(await store.appendLook(lookOf(1, 'c')));
    t.is((await store.lastLook('r'))?.hash, 'b');
  },
);

test.serial('merges of parts do not change who won', async (t) => {
  const { store, database, server } = await open(t);
  for (const number of [1, 2, 3]) await store.appendLook(lookOf(number, `first ${number}`));
  // What gets in when its token is long forgotten: later than the look.
  await run(
    server,
    `INSERT INTO ${database}.evidence_looks SETTINGS insert_deduplicate = 0
     SELECT run, number, '0', previous, concat('late ', toString(number)), body FROM ${database}.evidence_looks`,
  );
  await run(server, `OPTIMIZE TABLE ${database}.evidence_looks FINAL`);
  t.is(await run(server, `SELECT count() FROM ${database}.evidence_looks`), '6');
  t.deepEqual(
    (await store.looks('r')).map(({ hash }) => hash),
    ['first 1', 'first 2', 'first 3'],
  );
});

test.serial('looks are refused where a table of looks is kept by several servers', async (t) => {
  const { another, database, server } = await open(t);
  await run(server, `CREATE DATABASE ${database}`);
  await run(
    server,
    `CREATE TABLE ${database}.evidence_looks (run String, number Int64) ENGINE = Log`,
  );
  const store = await another();
  await t.throwsAsync(store.appendLook(lookOf(1, 'a')), {
    code: 'CLV_CONFIG_INVALID',
    message: /evidence_looks is a Log/,
  });
});

test.serial('evidence and looks outlive a server that is killed in the middle', async (t) => {
  const { store, server } = await open(t);
  await store.appendLook(lookOf(1, 'a'));
  const late = Array.from({ length: 8 }, (_, who) =>
    store.appendLook(lookOf(2, String(who))).catch(() => 'unknown' as const),
  );
  await server.kill();
  const told = await Promise.all(late);
  await server.restart();
  const after = await store.appendLook(lookOf(2, 'after'));
  const winners = told.filter((each) => each === true).length + (after ? 1 : 0);
  t.true(winners <= 1);
  const [first, second] = await store.looks('r');
  t.is(first?.hash, 'a');
  t.truthy(second);
  if (after) t.is(second?.hash, 'after');
});
