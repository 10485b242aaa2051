import test, { type ExecutionContext } from 'ava';
import { textWidth } from '../../../cloverctl/output/width.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { startApi } from '../../functions/api/server.ts';
import { eventOf } from '../../functions/host/helpers.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli } from '../run-cli.ts';
import { runPty } from '../run-pty.ts';

const red = '\u001B[31m';

async function start(t: ExecutionContext): Promise<Readonly<Record<string, string>>> {
  const api = await startApi(t);
  const name = 'a-policy-with-a-name-that-is-not-short';
  const { metadata, spec } = examples.TrafficPolicy;
  const policy = await api.store.applySpec(
    {
      ...examples.TrafficPolicy,
      metadata: { ...metadata, name },
      spec: { ...spec, target: { host: `${'shop.'.repeat(12)}example`, port: 8080 } },
    },
    { manager: 'test' },
  );
  if (policy.kind !== 'TrafficPolicy') throw new TypeError('not a policy');
  const lastTransitionTime = new Date().toISOString();
  const facts = { reason: 'Refused', message: '', observedGeneration: 1, lastTransitionTime };
  await api.store.patchStatus(policy, {
    conditions: [{ type: 'Programmed', status: 'False', ...facts }],
  });
  return { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
}

test('on a terminal a table keeps to its width, with the name whole and states in colour', async (t) => {
  const variables = await start(t);
  const args = ['get', 'tp', '-n', 'shop'];
  const shown = await runPty(args, { columns: 100, variables });
  const lines = shown.trimEnd().split('\n');
  t.is(lines.length, 2, shown);
  for (const line of lines) t.true(textWidth(line) <= 100, line);
  t.regex(lines[1] ?? '', /^a-policy-with-a-name-that-is-not-short {3}shop\.shop\S*… /);
  t.true(shown.includes(`${red}False\u001B[39m`));
  const narrow = await runPty(args, { columns: 30, variables });
  t.deepEqual(
    narrow.trimEnd().split('\n').map(textWidth),
    [30, 30],
    'where no cell can give more, the line is cut',
  );
  t.regex(narrow, /\na-policy-with-a-name-that-is-…\n$/);
  const wide = await runPty([...args, '-o', 'wide'], { columns: 100, variables });
  t.false(wide.includes('…'));
  t.true(wide.includes('shop.example'));
  const plain = await runPty(args, { columns: 300, variables: { ...variables, NO_COLOR: '1' } });
  t.false(plain.includes('\u001B') || plain.includes('…'), plain);
});

test('describe and top have the colours of get, by the same rules', async (t) => {
  const variables = await start(t);
  const describe = ['describe', 'tp', '-n', 'shop'];
  const top = ['top', '--once'];
  const ends = '\u001B[39m';
  const [described, seen, plain] = await Promise.all([
    runPty(describe, { columns: 200, variables }),
    runPty(top, { columns: 200, variables }),
    runPty(describe, { columns: 200, variables: { ...variables, NO_COLOR: '1' } }),
  ]);
  t.true(described.includes(`${red}False${ends}`), described);
  t.false(plain.includes('\u001B'), plain);
  t.true(seen.includes('\u001B[33m0.50%\u001B[39m'), seen);
  for (const args of [describe, top]) {
    const { stdout } = await runCli(args, { variables });
    t.false(stdout.includes('\u001B'), stdout);
    t.true((await runCli([...args, '--color=always'], { variables })).stdout.includes(ends));
  }
});

test('in a pipe nothing is cut, and colours come only when they are asked for', async (t) => {
  const variables = await start(t);
  const args = ['get', 'tp', '-n', 'shop'];
  const { stdout } = await runCli(args, { variables });
  t.false(stdout.includes('\u001B') || stdout.includes('…'), stdout);
  t.true((await runCli([...args, '--color=always'], { variables })).stdout.includes(red));
  const forced = { ...variables, CLICOLOR_FORCE: '1' };
  t.true((await runCli(args, { variables: forced })).stdout.includes(red));
  t.true((await runCli(['get', 'tap', 'x'], { variables: forced })).stderr.startsWith(red));
});

test('80 columns hold what tells events apart: the time, the type, the reason', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token, NO_COLOR: '1' };
  const over = new AbortController();
  const sending = (async () => {
    while (!over.signal.aborted) {
      await api.broker.publish(
        eventOf({
          type: 'dev.clover.experiment.phase.changed',
          source: '/clover/controlplane/evaluate',
          subject: 'experiments/shop/try-v2',
          time: '2026-01-31T12:34:56.789+01:00',
          id: '8d2f8a54-6f5e-4f40-9f5e-0d8c6f6f0a11',
        }),
      );
      await systemClock.sleep(20);
    }
  })();
  const tail = await runPty(['events', 'tail', '--limit', '2'], { columns: 80, variables });
  over.abort();
  await sending;
  t.regex(tail, /(?:\n11:34:56 {3}dev\.clover\.experiment\.phase\.changed .*){2}\n$/);
  const events = await runPty(['get', 'events', '-A'], { columns: 80, variables });
  const { stdout } = await runCli(['get', 'events', '-A', '-o', 'jsonpath={.items[*].reason}'], {
    variables,
  });
  for (const reason of stdout.split(' ')) t.true(events.includes(` ${reason} `), events);
  for (const line of `${tail}${events}`.split('\n')) t.true(textWidth(line) <= 80, line);
});

test('control characters of objects reach a terminal only as escapes, in whatever form', async (t) => {
  const api = await startApi(t);
  const attack = '\u001B]0;owned\u0007\u009B2J';
  await api.store.applySpec(
    { ...examples.Tap, metadata: { ...examples.Tap.metadata, annotations: { note: attack } } },
    { manager: 'test' },
  );
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token, NO_COLOR: '1' };
  for (const args of [
    ['get', 'tap', 'web', '-o', 'jsonpath={.metadata.annotations.note}'],
    ['get', 'tap', 'web', '-o', 'custom-columns=NOTE:.metadata.annotations.note'],
    ['get', 'tap', 'web', '-o', 'yaml'],
    ['get', 'tap', 'web', '-o', 'json'],
    ['describe', 'tap', 'web'],
  ]) {
    const shown = await runPty([...args, '-n', 'shop'], { columns: 80, variables });
    t.true(shown.includes('owned'), shown);
    t.notRegex(shown.replaceAll('\n', ''), /\p{Cc}/u, args.join(' '));
  }
  const args = ['get', 'tap', 'web', '-n', 'shop', '-o', 'jsonpath={.metadata.annotations.note}'];
  t.is((await runCli(args, { variables })).stdout, attack);
});
