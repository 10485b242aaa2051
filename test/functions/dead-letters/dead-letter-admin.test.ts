import test, { type ExecutionContext } from 'ava';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { startTestClickHouse, type TestClickHouse } from '../analytics/start.ts';
import { entryFor, isEmpty, openBroker } from '../host/broker/open-broker.ts';
import { until } from '../host/helpers.ts';
import { knativeSubject } from './knative.ts';
import { suite, type Subject } from './suite.ts';

let clickhouse: TestClickHouse;
test.before(async (t) => {
  t.timeout(120_000);
  clickhouse = await startTestClickHouse();
});
test.after.always(() => clickhouse.remove());

async function brokerSubject(t: ExecutionContext): Promise<Subject> {
  const broker = await openBroker(t, [entryFor(['a', 'b'])]);
  const says = { status: 400 };
  const taken: CloudEvent[] = [];
  await broker.start(async ({ event }) => {
    if (says.status < 300) taken.push(event);
    return { status: says.status, message: 'why' };
  });
  return {
    admin: broker,
    bury: async (event) => {
      await broker.publish(event);
      await until(() => isEmpty(broker));
    },
    taken: async (count) => {
      await until(() => taken.length >= count);
      return taken;
    },
    heal: () => {
      says.status = 204;
    },
  };
}

for (const [behaviour, check] of Object.entries(suite)) {
  test(`in one process ${behaviour}`, async (t) => check(t, await brokerSubject(t)));
  test.serial(`on Knative ${behaviour}`, async (t) =>
    check(t, await knativeSubject(t, clickhouse)),
  );
}
