import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startApi } from '../functions/api/server.ts';
import { examples } from '../functions/resources/examples.ts';
import { temporaryFolder } from '../functions/host/helpers.ts';
import { runCli } from './run-cli.ts';

test('with --json the refused documents stand beside the applied ones', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const bad = { ...examples.Tap, spec: { ports: [0] } };
  const stdin = JSON.stringify({ kind: 'List', items: [bad, examples.TrafficPolicy] });
  const result = await runCli(['apply', '--json', '-f', '-'], { variables, stdin });
  t.is(result.code, 4);
  t.like(JSON.parse(result.stdout), {
    items: { 0: { outcome: 'created' } },
    errors: {
      0: {
        where: 'stdin items[0]',
        code: 'CLV_RESOURCE_INVALID',
        details: { 0: { field: 'spec.ports[0]' } },
      },
    },
  });
  const gone = await runCli(['delete', '--json', 'tap', 'nobody'], { variables });
  t.is(gone.code, 3);
  t.like(JSON.parse(gone.stdout), { items: [], errors: { 0: { code: 'CLV_NOT_FOUND' } } });
});

test('whatever asks for JSON gets its errors as JSON too, wrong usage among them', async (t) => {
  const variables = { CLOVER_SERVER: 'http://127.0.0.1:2', CLOVER_TOKEN: 'x' };
  for (const [args, code, error] of [
    ['get taps -o json', 5, 'CLV_CONTROL_PLANE_UNREACHABLE'],
    ['get taps --output=json', 5, 'CLV_CONTROL_PLANE_UNREACHABLE'],
    ['--json get taps --nope', 2, 'CLV_ARGUMENT_INVALID'],
    ['--json gett', 2, 'CLV_ARGUMENT_INVALID'],
  ] as const) {
    const result = await runCli(args.split(' '), { variables });
    t.is(result.code, code, args);
    t.like(JSON.parse(result.stdout), { error: { code: error } }, args);
  }
});

test('the value of a global option is no command, whatever it is', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url };
  const result = await runCli(['--token', 'watch', 'get', 'taps'], { variables });
  t.is(result.code, 1);
  t.regex(result.stderr, /does not take this token/);
});

test('apply and delete take -f more than once', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const folder = await temporaryFolder(t);
  const files = [examples.Tap, examples.TrafficPolicy].flatMap((document) => {
    const file = join(folder, `${document.kind}.json`);
    writeFileSync(file, JSON.stringify(document));
    return ['-f', file];
  });
  const applied = await runCli(['apply', ...files], { variables });
  t.is(applied.stdout.match(/ created\n/g)?.length, 2, applied.stderr);
  const deleted = await runCli(['delete', ...files], { variables });
  t.is(deleted.stdout.match(/ deleted\n/g)?.length, 2, deleted.stderr);
});

test('the help of a command lists the options of all', async (t) => {
  const { code, stdout } = await runCli(['demo', '--help']);
  t.is(code, 0);
  t.regex(stdout, /--keep[^]*--json/);
});
