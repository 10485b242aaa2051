import { join } from 'node:path';
import test from 'ava';
import { onBytes } from '../../../functions/host/event-handler.ts';
import { serve } from '../../../functions/host/serve.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { entryOf, eventOf, silent, temporaryFolder, triggerOf, until } from './helpers.ts';
import { served } from './serving.ts';
import { post } from './start-host.ts';

test('once the drain begins no delivery begins, however long a request takes; what comes meanwhile is stored', async (t) => {
  const [slow, first, second] = [0, 0, 0].map(() => Promise.withResolvers<void>());
  const folder = await temporaryFolder(t);
  const token = 'a-token-for-the-tests';
  let begun = 0;
  let emitted = false;
  const serving = await serve({
    functions: [
      {
        name: 'f',
        handlers: [
          onBytes('slow', async () => {
            begun += 1;
            await slow?.promise;
          }),
          onBytes('direct', async (_event, { emit }) => {
            await first?.promise;
            await emit(eventOf({ id: 'late', type: 'slow' }));
            emitted = true;
            await second?.promise;
          }),
        ],
      },
    ],
    catalogue: [entryOf('f', { direct: ['direct'], triggers: [triggerOf('on-slow', 'slow')] })],
    brokerPath: join(folder, 'broker.db'),
    token,
    listen: { host: '127.0.0.1', port: 0 },
    clock: systemClock,
    log: silent,
    onFatal: (error) => t.fail(String(error)),
    drainGraceMs: 0,
  });
  const { url } = serving;
  for (let id = 0; id < 40; id += 1) {
    t.is((await post(`${url}/broker`, eventOf({ id: String(id), type: 'slow' }))).status, 202);
  }
  const direct = post(`${url}/functions/f`, eventOf({ type: 'direct' }));
  await until(() => begun === 16 && serving.pending() === 17);
  const drained = serving.drain();
  slow?.resolve();
  await until(async () => (await serving.brokerCounters()).delivered === 16);
  first?.resolve();
  await until(() => emitted);
  t.is((await serving.brokerCounters()).depth, 40 - 16 + 1);
  t.is(begun, 16);
  second?.resolve();
  t.is((await direct).status, 204);
  await drained;
  t.is(begun, 16);
});

test('a function whose counters throw takes none from the others', async (t) => {
  const serving = await served(
    t,
    [
      {
        name: 'bad',
        counters: () => {
          throw new Error('no counters today');
        },
      },
      { name: 'good', counters: () => ({ done: 7 }) },
    ],
    [entryOf('bad'), entryOf('good')],
  );
  const { bad, good } = await serving.counters();
  t.deepEqual(bad, { rejected: 0 });
  t.deepEqual(good, { done: 7, rejected: 0 });
});
