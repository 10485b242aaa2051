import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { z } from 'zod';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { arbitraryEvent } from './arbitrary-event.ts';
import { breakages, type Breakage } from './broken-event.ts';
import {
  batchMessage,
  binaryMessage,
  documentOf,
  structuredMessage,
  trip,
} from './encode-event.ts';
import { startHostile, type HostileHost } from './hostile-host.ts';
import type { Field, RawAnswer } from './raw-request.ts';

/** What a caller may be told that sends nonsense. */
const refusals: ReadonlySet<number> = new Set([400, 413, 415, 422, 431]);
/** Most memory of the host's process; measured: 145 MiB with random bytes, 285 MiB with all the bombs. */
const peakBytes = 384 * 1024 * 1024;

const problem = z.looseObject({
  code: z.string(),
  details: z.array(z.looseObject({ field: z.string(), message: z.string() })),
  results: z.array(z.looseObject({ status: z.number(), detail: z.string().optional() })).optional(),
});

const paths = fc.constantFrom('/functions/f', '/broker');
const bytes = fc.uint8Array({ maxLength: 400 }).map((each) => Buffer.from(each));
const isRefusal = (answer: RawAnswer | undefined): boolean => refusals.has(answer?.status ?? 0);

test('random bytes as headers and body are refused or taken, and never a failure inside', async (t) => {
  const host = await startHostile(t);
  const value = fc.uint8Array({ maxLength: 60 }).map((each) =>
    Buffer.from(each)
      .toString('latin1')
      .replaceAll(/[\r\n\0]/g, ' '),
  );
  const name = fc.oneof(
    fc.constantFrom('ce-id', 'ce-type', 'ce-time', 'ce-specversion', 'content-encoding', 'expect'),
    fc.stringMatching(/^ce-[!#$%&'*+.^_`|~\w-]{0,12}$/),
  );
  const contentType = fc.oneof(
    fc.constantFrom('application/cloudevents+json', 'application/cloudevents-batch+json'),
    value,
  );
  const body = fc.oneof(
    bytes,
    fc.json().map((text) => Buffer.from(text)),
  );
  const fields = fc.array(fc.tuple(name, value), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(paths, contentType, fields, body, async (path, type, others, data) => {
      const all: Field[] = [['content-type', type], ...others];
      const answer = await host.post(path, all, data);
      // An empty list is a batch; what waits for 100 Continue may be told that first.
      const isFine = [100, 200, 202, 204, 417].includes(answer?.status ?? 0);
      t.true(isFine || isRefusal(answer), `${answer?.status} ${answer?.text}`);
    }),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (all) => {
      const answer = await host.send(all);
      t.true(answer === undefined || isRefusal(answer), answer?.text);
    }),
    { numRuns: 100 },
  );
  await host.isAlive();
  const { handled, peakBytes: peak } = await host.report();
  t.is(handled, 0);
  t.true(peak < peakBytes, `${peak} bytes`);
});

const intact = arbitraryEvent.map(trip);

test('an event with one field broken is refused with the name of the field, and has no effect', async (t) => {
  const host = await startHostile(t);
  for (const [name, breakage] of Object.entries(breakages)) {
    await fc.assert(
      fc.asyncProperty(intact, breakage, paths, async (event, broken, path) => {
        for (const { fields, body, place } of requestsOf(event, broken)) {
          const answer = await host.post(path, fields, body);
          t.is(answer?.status, 400, `${name}: ${answer?.text}`);
          const { details, results = [] } = problem.parse(JSON.parse(answer?.text ?? ''));
          const places = [
            ...details.map((detail) => detail.field.replace(/^ce-/, '')),
            ...results.map(({ detail = '' }) => /\[0\]\.([^:]*): /.exec(detail)?.[1]),
          ];
          t.deepEqual(places, [place], `${name}: ${answer?.text}`);
        }
      }),
      { numRuns: 25 },
    );
  }
  await host.isAlive();
  t.deepEqual([(await host.report()).handled, host.arrived.length], [0, 0]);
});

/** The event with its broken field, in every mode that can say it. */
function requestsOf(event: CloudEvent, { field, header, member }: Breakage) {
  const requests: { fields: readonly Field[]; body: Buffer; place: string }[] = [];
  if (header !== undefined) {
    const { fields, body } = binaryMessage(event);
    const others = fields.filter(([name]) => name !== header[0]);
    requests.push({ fields: [...others, header], body, place: field });
  }
  if (member !== undefined) {
    const [place, value] = member;
    const document = JSON.stringify({ ...documentOf(event), [place]: value });
    const { fields } = structuredMessage(event);
    requests.push({ fields, body: Buffer.from(document), place });
    requests.push({ fields: batchMessage([]).fields, body: Buffer.from(`[${document}]`), place });
  }
  return requests;
}

const chunk = (part: Buffer): string =>
  `${part.length.toString(16)}\r\n${part.toString('latin1')}\r\n`;

const requestModes = ['batch', 'binary', 'chunked', 'gzip', 'structured'] as const;

/** The bytes of a request that is whole. */
function requestOf(
  { request }: HostileHost,
  event: CloudEvent,
  path: string,
  mode: (typeof requestModes)[number],
): Buffer {
  const { fields, body } = structuredMessage(event);
  switch (mode) {
    case 'batch': {
      const batch = batchMessage([event, event]);
      return request(path, batch.fields, batch.body);
    }
    case 'binary': {
      const binary = binaryMessage(event);
      return request(path, binary.fields, binary.body);
    }
    case 'gzip':
      return request(path, [...fields, ['content-encoding', 'gzip']], gzipSync(body));
    case 'chunked': {
      const half = body.length >> 1;
      const text = `${chunk(body.subarray(0, half))}${chunk(body.subarray(half))}0\r\n\r\n`;
      const chunks = Buffer.from(text, 'latin1');
      return request(path, [...fields, ['transfer-encoding', 'chunked']], chunks);
    }
    default:
      return request(path, fields, body);
  }
}

test('a request that is cut off anywhere has no effect', async (t) => {
  const host = await startHostile(t);
  const mode = fc.constantFrom(...requestModes);
  const cut = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  await fc.assert(
    fc.asyncProperty(intact, paths, mode, cut, async (event, path, name, share) => {
      const request = requestOf(host, event, path, name);
      const whole = request.subarray(0, Math.floor(request.length * share));
      const answer = await host.send(whole);
      t.true(answer === undefined || isRefusal(answer), `${answer?.status} ${answer?.text}`);
    }),
    { numRuns: 300 },
  );
  await host.isAlive();
  t.deepEqual([(await host.report()).handled, host.arrived.length], [0, 0]);
});

test('bombs of every kind at the same time keep the memory of the host below its bound', async (t) => {
  const host = await startHostile(t);
  const structured = [['content-type', 'application/cloudevents+json']] as const;
  const batch = [['content-type', 'application/cloudevents-batch+json']] as const;
  const deep = Buffer.from(`{"data":${'['.repeat(200_000)}`);
  const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '));
  const attributes = Buffer.from(
    JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`A${at}`, at]))),
  );
  const packed: Field = ['content-encoding', 'gzip'];
  const all = [
    () => host.post('/broker', [...structured, packed], bomb),
    () => host.post('/functions/f', structured, deep),
    () => host.post('/broker', structured, deep),
    () => host.post('/functions/f', structured, attributes),
    () => host.post('/functions/f', batch, Buffer.from(`[${'0,'.repeat(9_999)}0]`)),
    () =>
      host.post(
        '/broker',
        Array.from({ length: 2_000 }, (_, at) => [`ce-x${at}`, 'y'] as const),
        Buffer.alloc(0),
      ),
    () => host.post('/functions/f', [['ce-subject', '"\\'.repeat(4_000)]], Buffer.alloc(0)),
    () => host.post('/broker', [['content-length', '999999999']], Buffer.alloc(0)),
  ];
  for (let round = 0; round < 8; round += 1) {
    const answers = await Promise.all(all.flatMap((send) => [send(), send()]));
    for (const answer of answers)
      t.true(isRefusal(answer), `${answer?.status} ${answer?.text.slice(0, 200)}`);
    for (const { text = '' } of answers.filter((answer) => answer !== undefined)) {
      t.true(text.length < 2 * 1024 * 1024, 'an answer has a bound');
    }
  }
  await host.isAlive();
  const { handled, peakBytes: peak } = await host.report();
  t.is(handled, 0);
  t.true(peak < peakBytes, `${peak} bytes`);
});
