import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { sendRaw, type RawAnswer } from '../../functions/host/raw-request.ts';
import type { Scenario, Step } from './gherkin.ts';
import { seenOf, type Seen, type Witness } from './witness.ts';

/** How far a scenario has come. */
interface World {
  request?: Buffer;
  answer?: RawAnswer;
  seen: readonly Seen[];
}

type Perform = (
  t: ExecutionContext,
  world: World,
  step: Step,
  witness: Witness,
) => void | Promise<void>;

const problem = z.looseObject({
  code: z.string(),
  details: z.array(z.looseObject({ field: z.string() })),
});
const batch = z.looseObject({
  results: z.array(z.looseObject({ status: z.number(), code: z.string().optional() })),
});

/** What each step does, by its text. */
const performances: Readonly<Record<string, Perform>> = {
  'HTTP Protocol Binding is supported': () => undefined,
  'an HTTP request': (_, world, { document = '' }) => {
    world.request = requestOf(document);
  },
  'parsed as HTTP request': async (t, world, _, witness) => {
    const answer = await sendRaw(witness.port, world.request ?? Buffer.alloc(0));
    if (answer === undefined) {
      t.fail('no answer');
      return;
    }
    world.answer = answer;
    const replied = answer.headers.get('ce-type') === 'seen' ? [seenOf(answer.text)] : [];
    world.seen = [...replied, ...witness.takeEmitted()];
  },
  'the attributes are:': (t, { seen }, { table = [] }) => {
    const [, ...rows] = table;
    t.is(seen.length, 1);
    t.deepEqual({ ...seen[0]?.attributes }, Object.fromEntries(rows));
  },
  'the data is equal to the following JSON:': (t, { seen }, { document = '' }) => {
    t.deepEqual(JSON.parse(seen[0]?.data.toString() ?? ''), JSON.parse(document));
  },
  'the data is the text:': (t, { seen }, { document = '' }) => {
    t.is(seen[0]?.data.toString(), document);
  },
  'the data has the bytes:': (t, { seen }, { document = '' }) => {
    t.is(seen[0]?.data.toString('hex'), document);
  },
  'nothing is taken': (t, { seen }) => {
    t.deepEqual(seen, []);
  },
  'it is refused:': (t, { answer }, { table = [] }) => {
    const [, ...rows] = table;
    const { code, details } = problem.parse(JSON.parse(answer?.text ?? ''));
    const status = String(answer?.status);
    t.deepEqual(
      details.map(({ field }) => [status, code, field]),
      rows,
    );
  },
  'the answer is 200 and its results are:': resultsAre(200),
  'the answer is 400 and its results are:': resultsAre(400),
  'these events are taken:': (t, { seen }, { table = [] }) => {
    const [names = [], ...rows] = table;
    const cells = ({ attributes }: Seen): string[] => names.map((name) => attributes[name] ?? '');
    // Events of a batch are worked on side by side.
    t.deepEqual(new Set(seen.map(cells).map(String)), new Set(rows.map(String)));
    t.is(seen.length, rows.length);
  },
};

function resultsAre(status: number): Perform {
  return (t, { answer }, { table = [] }) => {
    t.is(answer?.status, status, answer?.text);
    const [, ...rows] = table;
    const { results } = batch.parse(JSON.parse(answer?.text ?? ''));
    t.deepEqual(
      results.map((result) => [String(result.status), result.code ?? '']),
      rows,
    );
  };
}

/** Does what a scenario says against a function. A step that nobody knows is a failure. */
export async function perform(
  t: ExecutionContext,
  { name, steps }: Scenario,
  witness: Witness,
): Promise<void> {
  const world: World = { seen: [] };
  for (const step of steps) {
    const act = Object.hasOwn(performances, step.text) ? performances[step.text] : undefined;
    if (act === undefined) t.fail(`${name}: there is no step "${step.text}"`);
    else await act(t, world, step, witness);
  }
}

/** The bytes of a request in a feature. The function takes its events at `/`, whatever path the feature writes. */
function requestOf(document: string): Buffer {
  const [head = '', ...rest] = document.split('\n\n');
  const [, ...fields] = head.trimEnd().split('\n');
  const lines = ['POST / HTTP/1.1', 'Connection: close', ...fields];
  const body = Buffer.from(rest.join('\n\n'));
  const sized = fields.some((field) => /^content-length:/i.test(field));
  if (!sized) lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}
