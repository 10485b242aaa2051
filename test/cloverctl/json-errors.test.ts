import test from 'ava';
import { startApi } from '../functions/api/server.ts';
import { examples } from '../functions/resources/examples.ts';
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
        where: 'stdin',
        code: 'CLV_RESOURCE_INVALID',
        details: { 0: { field: 'spec.ports[0]' } },
      },
    },
  });
  const gone = await runCli(['delete', '--json', 'tap', 'nobody'], { variables });
  t.is(gone.code, 3);
  t.like(JSON.parse(gone.stdout), { items: [], errors: { 0: { code: 'CLV_NOT_FOUND' } } });
});

test('the help of a command lists the options of all', async (t) => {
  const { code, stdout } = await runCli(['demo', '--help']);
  t.is(code, 0);
  t.regex(stdout, /--keep[^]*--json/);
});
