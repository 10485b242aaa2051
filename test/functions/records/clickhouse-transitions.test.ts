import test, { type ExecutionContext } from 'ava';
import { createClickHouseTransitions } from '../../../functions/records/clickhouse-transitions.ts';
import type { TransitionMemory } from '../../../functions/records/transition-memory.ts';
import { log, startTestClickHouse, type TestClickHouse } from '../analytics/start.ts';

let clickhouse: TestClickHouse;
test.before(async (t) => {
  t.timeout(120_000);
  clickhouse = await startTestClickHouse();
});
test.after.always(() => clickhouse.remove());

let databases = 0;

/** Another process with the same memory. */
function open(t: ExecutionContext, database: string): TransitionMemory {
  const { url, username, password } = clickhouse.server();
  const transitions = createClickHouseTransitions({ url, username, password, database }, { log });
  t.teardown(() => transitions.close());
  return transitions;
}

function openNew(t: ExecutionContext): TransitionMemory {
  databases += 1;
  return open(t, `transitions_${databases}`);
}

test.serial('the last transition of each matter is remembered, by every process', async (t) => {
  const transitions = openNew(t);
  t.is(await transitions.noted('u', 'Phase'), undefined);
  for (const to of ['Running', 'Running', 'Succeeded'])
    await transitions.remember('u', 'Phase', to);
  await transitions.remember('u', 'Ready', 'True');
  const other = open(t, `transitions_${databases}`);
  t.is(await other.noted('u', 'Phase'), 'Succeeded');
  t.is(await other.noted('u', 'Ready'), 'True');
  t.is(await other.noted('v', 'Phase'), undefined);
});

test.serial('with an object all of its matters are forgotten, and no other one’s', async (t) => {
  const transitions = openNew(t);
  await transitions.remember('u', 'Phase', 'a');
  await transitions.remember('u', 'Ready', 'b');
  await transitions.remember('v', 'Phase', "c'; --");
  for (const _ of ['once', 'again']) await transitions.forget('u');
  t.is(await transitions.noted('u', 'Phase'), undefined);
  t.is(await transitions.noted('u', 'Ready'), undefined);
  t.is(await transitions.noted('v', 'Phase'), "c'; --");
});

test.serial(
  'what is remembered outlives a crash, and while there is no ClickHouse it is said so',
  async (t) => {
    t.timeout(120_000);
    const transitions = openNew(t);
    await transitions.remember('u', 'Phase', 'a');
    await clickhouse.kill();
    await t.throwsAsync(transitions.noted('u', 'Phase'), { code: 'CLV_ANALYTICS_UNAVAILABLE' });
    await t.throwsAsync(transitions.remember('u', 'Phase', 'b'), {
      code: 'CLV_ANALYTICS_UNAVAILABLE',
    });
    await clickhouse.restart();
    t.is(await transitions.noted('u', 'Phase'), 'a');
  },
);
