import test from 'ava';
import { startApi } from '../../functions/api/server.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli } from '../run-cli.ts';

test('-o of commands that change or tell something shows the document of --json in other forms', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token, EDITOR: 'true' };
  const stdin = JSON.stringify({ kind: 'List', items: [examples.Tap, examples.TrafficPolicy] });
  const shown = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await runCli(args, { variables, stdin });
    t.is(stderr.replace(/^(?:warning: |Edit cancelled).*\n/gm, ''), '', args.join(' '));
    return stdout;
  };
  const both = 'tap.clover.dev/web\ntrafficpolicy.clover.dev/proxy\n';
  t.is(await shown('apply', '-f', '-', '--dry-run=client', '-o', 'name'), both);
  t.like(JSON.parse(await shown('diff', '-f', '-', '-o', 'json')), { items: { length: 2 } });
  t.regex(await shown('diff', '-f', '-', '-o', 'yaml'), /^items:\n {2}- object: tap\.clover\.dev/);
  t.is(await shown('apply', '-f', '-', '-o', 'name'), both);
  const names = 'jsonpath={.items[*].object.metadata.name}';
  t.is(await shown('apply', '-f', '-', '-o', names), 'web proxy');
  t.regex(await shown('apply', '-f', '-', '-o', 'yaml'), /^dryRun: false\nitems:\n/);

  const tap = ['tap', 'web', '-n', 'shop'];
  t.is(await shown('describe', ...tap, '-o', 'jsonpath={.object.metadata.name}'), 'web');
  t.regex(await shown('describe', ...tap, '-o', 'yaml'), /^object:\n[^]*\nevents:/);
  t.is(await shown('edit', ...tap, '-o', 'yaml'), 'outcome: unchanged\n');
  t.is(
    await shown('delete', ...tap, '--dry-run', '-o', 'jsonpath={.items[0].metadata.name}'),
    'web',
  );
  t.is(await shown('delete', ...tap, '-o', 'name'), 'tap.clover.dev/web\n');
  t.deepEqual((await api.store.list('Tap')).items, []);

  t.deepEqual(
    JSON.parse(await shown('status', '-o', 'json')),
    JSON.parse(await shown('status', '--json')),
  );
  t.regex(await shown('red', '-o', 'yaml'), /^window:\n {2}from: \d+\n/);
});

test('-o refuses forms that a command does not have, and says which it has', async (t) => {
  for (const [args, allowed] of [
    ['status -o name', 'json, yaml, jsonpath=TEMPLATE'],
    ['delete tap web -o wide', 'json, yaml, name, jsonpath=TEMPLATE'],
    ['apply -f x -o jsonpath=', 'json, yaml, name, jsonpath=TEMPLATE'],
  ] as const) {
    const { code, stderr } = await runCli(args.split(' '));
    t.is(code, 2);
    t.true(stderr.includes(`Allowed choices are ${allowed}.`), stderr);
  }
});
