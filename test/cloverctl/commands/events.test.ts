import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { startHostedApi } from './hosted-api.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { runCli } from '../run-cli.ts';

const hello = { specversion: '1.0' as const, id: 'a', source: '/test', type: 'test.hello' };

const lineOf = (data: string): string => `${JSON.stringify({ ...hello, data })}\n`;

test('events send gives one event to the broker, its data byte for byte', async (t) => {
  const { taken, variables } = await startHostedApi(t);
  const data = '{"n": 1.000, "big": 12345678901234567890}';
  const args = ['--type', 'test.hello', '--source', '/a b', '--subject', 'é', '--data', data];
  const wrong = await runCli(['events', 'send', ...args], { variables });
  t.is(wrong.code, 4);
  t.regex(wrong.stderr, /^error: this is not a valid CloudEvent 1\.0\n {2}source: must be/);
  args.splice(3, 1, '/a%20b');
  args.push('--id', '7', '--extension', 'kind=Tap', '--extension', 'n=7', '--time');
  const time = '2026-01-31T12:00:00Z';
  const sent = await runCli(['events', 'send', ...args, time], { variables });
  t.deepEqual(sent, { code: 0, stdout: 'event 7 accepted\n', stderr: '' });
  const { data: bytes, ...event } = await first(taken);
  t.deepEqual(event, {
    specversion: '1.0',
    id: '7',
    source: '/a%20b',
    type: 'test.hello',
    subject: 'é',
    time,
    datacontenttype: 'application/json',
    extensions: { kind: 'Tap', n: '7' },
  });
  t.is(bytes.toString(), data);
});

test('events send takes an event, a batch, and an event a line, from files and stdin', async (t) => {
  const { taken, variables } = await startHostedApi(t);
  const file = join(await temporaryFolder(t), 'event.json');
  await writeFile(file, JSON.stringify({ ...hello, data: { x: 1 } }, undefined, 2));
  const send = (args: string, stdin = '') =>
    runCli(['events', 'send', ...args.split(' ')], { variables, stdin });
  t.is((await send(`-f ${file}`)).stdout, 'event a accepted\n');
  const batch = [
    { ...hello, id: 'b' },
    { ...hello, id: 'c' },
  ];
  t.is((await send('-f -', JSON.stringify(batch))).stdout, 'event b accepted\nevent c accepted\n');
  const lines = batch.map((event) => JSON.stringify({ ...event, id: `${event.id}2` })).join('\n');
  t.is((await send('-f - --json', lines)).stdout.match(/"id":"[bc]2"/g)?.length, 2);
  const text = ['--type', 'test.hello', '--source', '/x', '--id', 'd', '--data-file', '-'];
  const bytes = await runCli(['events', 'send', ...text, '--content-type', 'text/plain'], {
    variables,
    stdin: 'hé',
  });
  t.is(bytes.code, 0, bytes.stderr);
  await untilTaken(taken, 6);
  t.deepEqual(
    taken.map(({ id }) => id),
    ['a', 'b', 'c', 'b2', 'c2', 'd'],
  );
  t.is(taken[5]?.data.toString(), 'hé');
  t.is(taken[5]?.datacontenttype, 'text/plain');
});

test('events send sends nothing when one event of several is wrong, and says where', async (t) => {
  const { taken, variables } = await startHostedApi(t);
  const send = (stdin: string, ...more: string[]) =>
    runCli(['events', 'send', '-f', '-', ...more], { variables, stdin });
  const batch = await send(JSON.stringify([hello, { ...hello, time: 'noon' }]));
  t.is(batch.code, 4);
  t.regex(
    batch.stderr,
    /stdin is not a valid CloudEvent 1\.0\n {2}\[1\]\.time: must be an RFC 3339/,
  );
  const line = await send(`${JSON.stringify(hello)}\n{"id":\n`);
  t.is(line.code, 4);
  t.regex(line.stderr, /error: stdin line 2 is not a valid CloudEvent 1\.0\n {2}body: /);
  const dry = await send(JSON.stringify(hello), '--dry-run');
  t.deepEqual(dry, { code: 0, stdout: 'event a is valid (dry run)\n', stderr: '' });
  t.is((await send('')).code, 2);
  t.deepEqual(taken, []);
});

test('events that are not UTF-8 are refused with the byte, a line of several, too', async (t) => {
  const file = join(await temporaryFolder(t), 'events.jsonl');
  const latin1 = Buffer.from(lineOf('a') + lineOf('Jörg'), 'latin1');
  await writeFile(file, latin1);
  const { code, stderr } = await runCli(['events', 'send', '--dry-run', '-f', file], {
    variables: { CLOVER_SERVER: 'http://127.0.0.1:2' },
  });
  t.is(code, 4);
  t.true(
    stderr.startsWith(`error: ${file} is not UTF-8 from byte ${latin1.indexOf(0xf6)} on`),
    stderr,
  );
});

test('wrong arguments of events are told with the fix', async (t) => {
  const { variables } = await startHostedApi(t);
  for (const [args, code, said] of [
    ['send --type a', 2, /give --type and --source, or -f FILE/],
    ['send -f x.json --type a', 2, /give either -f or --type, not both/],
    ['send -f x.json --data-file a', 2, /give either -f or --data-file/],
    ['send -f missing.json', 2, /cannot read missing\.json/],
    ['send --type a --source b --data {', 2, /--data is not JSON.*--content-type/],
    ['send --type a --source b --data 1 --data-file -', 2, /not both/],
    ['send --type a --source b --extension Id=1', 2, /must be NAME=VALUE/],
    ['send --type a --source b --extension id=1', 2, /"id" is no extension/],
    ['tail --filter typo', 2, /must be NAME=VALUE, NAME!=VALUE/],
    ['tail --filter {"exact":{"Type":"a"}}', 2, /lower-case letters and digits/],
    ['tail --cesql type=', 2, /filters\[0\]\.cesql: CESQL: at character 6/],
    ['tail --limit 0', 2, /must be a number from 1/],
  ] as const) {
    const result = await runCli(['events', ...args.split(' ')], { variables });
    t.is(result.code, code, `${args}: ${result.stderr}`);
    t.regex(result.stderr, said);
  }
});

test('events tail shows what passes the filters, and ends after its limit', async (t) => {
  const { publish, variables } = await startHostedApi(t);
  const over = new AbortController();
  const sending = (async () => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      const [type, subject] = n % 2 === 0 ? ['test.even', 's1'] : ['test.odd', 's2'];
      await publish({ ...hello, id: `e${n}`, type, subject, data: { n } });
      await systemClock.sleep(20);
    }
  })();
  const tail = (...args: string[]) => runCli(['events', 'tail', ...args], { variables });
  const table = await tail('--filter', 'type^=test.', '--filter', 'type!=test.odd', '--limit', '2');
  t.is(table.code, 0, table.stderr);
  t.regex(
    table.stdout,
    /^TIME +TYPE +SOURCE +SUBJECT +BYTES +ID\n(- +test\.even +\/test +s1 +\d+ +e\d+\n){2}$/,
  );
  const json = await tail('--cesql', "subject = 's2'", '--limit', '2', '-o', 'json');
  const events = json.stdout.trim().split('\n');
  t.is(events.length, 2);
  for (const event of events) {
    t.like(JSON.parse(event), { specversion: '1.0', source: '/test', type: 'test.odd' });
  }
  const stopped = await runCli(['events', 'tail', '--filter', '{"suffix":{"type":"odd"}}'], {
    variables,
    until: (stdout) => stdout.includes('test.odd'),
  });
  t.is(stopped.code, 0);
  t.false(stopped.stdout.includes('test.even'));
  over.abort();
  await sending;
});

async function untilTaken(taken: readonly CloudEvent[], count: number): Promise<void> {
  while (taken.length < count) await systemClock.sleep(5);
}

async function first(taken: readonly CloudEvent[]): Promise<CloudEvent> {
  await untilTaken(taken, 1);
  const [event] = taken;
  if (event === undefined) throw new TypeError('there is none');
  return event;
}
