import test from 'ava';
import fc from 'fast-check';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { arbitraryEvent } from './arbitrary-event.ts';
import {
  batchMessage,
  binaryMessage,
  documentOf,
  structuredMessage,
  trip,
} from './encode-event.ts';
import { eventOf, until } from './helpers.ts';
import { startHostile } from './hostile-host.ts';

const byId = (one: CloudEvent, other: CloudEvent): number => Number(one.id) - Number(other.id);

test('every event comes out of function and broker as it went in, in each of the three modes', async (t) => {
  const host = await startHostile(t);
  await fc.assert(
    fc.asyncProperty(arbitraryEvent.map(trip), async (event) => {
      for (const path of ['/functions/f', '/broker']) {
        const messages = [binaryMessage(event), structuredMessage(event), batchMessage([event])];
        for (const { fields, body } of messages) {
          const answer = await host.post(path, fields, body);
          t.true((answer?.status ?? 0) < 300, answer?.text);
        }
      }
      await until(() => host.arrived.length >= 6);
      t.deepEqual(
        host.arrived.splice(0),
        Array.from({ length: 6 }, () => event),
      );
    }),
    { numRuns: 25 },
  );
  await host.isAlive();
});

test('a batch of many events comes out of the broker whole, each event once', async (t) => {
  const host = await startHostile(t);
  const events = fc
    .sample(arbitraryEvent, { numRuns: 100, seed: 7 })
    .map((event, at) => Object.assign(trip(event), { id: String(at) }));
  const { fields, body } = batchMessage(events);
  const answer = await host.post('/broker', fields, body);
  t.is(answer?.status, 200, answer?.text);
  await until(() => host.arrived.length >= events.length);
  t.deepEqual(host.arrived.toSorted(byId), events);
});

test('integers and booleans come out as the texts of their types, and JSON data byte for byte', async (t) => {
  const host = await startHostile(t);
  const values = fc.record({
    integer: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    flag: fc.boolean(),
    data: fc.tuple(fc.json(), fc.nat(2)).map(([json, pad]) => `${' '.repeat(pad)}${json}`),
  });
  await fc.assert(
    fc.asyncProperty(values, async ({ integer, flag, data }) => {
      const event = eventOf({ type: 'trip', data: Buffer.alloc(0) });
      const members = JSON.stringify({ ...documentOf(event), integer, flag });
      const body = Buffer.from(`${members.slice(0, -1)},"data":${data}}`);
      const fields = [['content-type', 'application/cloudevents+json']] as const;
      t.is((await host.post('/broker', fields, body))?.status, 202);
      await until(() => host.arrived.length > 0);
      t.deepEqual(host.arrived.splice(0), [
        {
          ...event,
          datacontenttype: 'application/json',
          extensions: { integer: String(integer), flag: String(flag) },
          data: Buffer.from(data.trimStart()),
        },
      ]);
    }),
    { numRuns: 25 },
  );
});
