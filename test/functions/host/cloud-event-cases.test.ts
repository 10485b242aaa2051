import test from 'ava';
import { z } from 'zod';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { encodingCases, lengthCases, modeCases } from './cloud-event-body-cases.ts';
import {
  binaryCases,
  timeCases,
  type EventCase,
  type Refused,
  type Taken,
} from './cloud-event-cases.ts';
import { dataCases } from './cloud-event-data-cases.ts';
import { structuredCases, textCases } from './cloud-event-json-cases.ts';
import { handlersOf } from './helpers.ts';
import { rawPost, sendRaw, type RawAnswer } from './raw-request.ts';
import { authorization, start } from './start-host.ts';

const tables: Readonly<Record<string, readonly EventCase[]>> = {
  'binary mode': binaryCases,
  time: timeCases,
  mode: modeCases,
  'structured mode': structuredCases,
  data: dataCases,
  'JSON text': textCases,
  'content encoding': encodingCases,
  'body length': lengthCases,
};

const problem = z.looseObject({
  status: z.number(),
  code: z.string(),
  detail: z.string(),
  details: z.array(z.strictObject({ field: z.string(), message: z.string() })),
});

/** An event as the table writes it. */
const written = ({ data = '', ...event }: Taken): Taken => ({ ...event, data: Buffer.from(data) });

/** An answer as the table writes it. */
function refusalOf({ status, headers, text }: RawAnswer, { says }: Refused): unknown {
  const { code, detail, details, ...rest } = problem.parse(JSON.parse(text));
  const words = [detail, ...details.map(({ message }) => message)].join('\n');
  return {
    type: headers.get('content-type'),
    status,
    inBody: rest.status,
    code,
    fields: details.map(({ field }) => field),
    says: says.test(words) ? says : words,
  };
}

for (const [table, cases] of Object.entries(tables)) {
  test(`every case of ${table} has its event or its answer`, async (t) => {
    const seen: CloudEvent[] = [];
    const take = async (event: CloudEvent): Promise<void> => {
      seen.push(event);
    };
    const { port } = await start(t, { handlers: handlersOf(['direct'], take) }, { publish: take });
    for (const { name, clause, fields, body = '', path, ending, taken, refused } of cases) {
      const title = `${name} (${clause})`;
      const all = [['authorization', authorization] as const, ...fields];
      const request = rawPost(path ?? '/functions/f', all, Buffer.from(body));
      const answer = await sendRaw(port, request, ending);
      const events = seen.splice(0);
      if (answer === undefined) t.fail(`${title}: no answer`);
      else if (taken !== undefined) {
        t.is(answer.status, 204, `${title}: ${answer.text}`);
        t.deepEqual(events, [written(taken)], title);
      } else if (refused !== undefined) {
        const { status, ...rest } = refused;
        t.deepEqual(
          refusalOf(answer, refused),
          { type: 'application/problem+json', status, inBody: status, ...rest },
          title,
        );
        t.deepEqual(events, [], `${title}: had an effect`);
      } else t.fail(`${title}: neither taken nor refused`);
    }
  });
}

test('a case has one name in its table', (t) => {
  for (const cases of Object.values(tables)) {
    t.is(new Set(cases.map(({ name }) => name)).size, cases.length);
  }
});

test('an answer is that of its own request, whatever else fails at the same time', async (t) => {
  const { port } = await start(t, { handlers: handlersOf(['direct'], async () => undefined) });
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, at) =>
      sendRaw(
        port,
        rawPost(
          '/functions/f',
          [
            ['authorization', authorization],
            ['ce-specversion', '1.0'],
            ['ce-id', '1'],
            ['ce-source', '/s'],
            ['ce-type', 'direct'],
            [`ce-bad-${at}`, 'x'],
            ['x-request-id', `request-${at}`],
          ],
          Buffer.alloc(0),
        ),
      ),
    ),
  );
  for (const [at, answer] of answers.entries()) {
    t.is(answer?.headers.get('x-request-id'), `request-${at}`);
    t.is(problem.parse(JSON.parse(answer?.text ?? '')).details[0]?.field, `bad-${at}`);
  }
});

test('a length that is too short ends the event there, and the rest is no request', async (t) => {
  const seen: string[] = [];
  const { port } = await start(t, {
    handlers: handlersOf(['direct'], async ({ data }) => {
      seen.push(data.toString());
    }),
  });
  const head = [
    ['authorization', authorization],
    ['connection', 'keep-alive'],
    ['ce-specversion', '1.0'],
    ['ce-id', '1'],
    ['ce-source', '/s'],
    ['ce-type', 'direct'],
    ['content-length', '5'],
  ] as const;
  await sendRaw(
    port,
    rawPost('/functions/f', head, Buffer.from('helloGET /smuggled HTTP/9.9\r\n\r\n')),
  );
  t.deepEqual(seen, ['hello']);
});
