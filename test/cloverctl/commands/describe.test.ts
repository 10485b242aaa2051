import test from 'ava';
import { startApi } from '../../functions/api/server.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli } from '../run-cli.ts';

test('describe takes KIND/NAME, several objects, and a kind with a selector', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const cli = (args: string) => runCli(`describe ${args} -n shop`.split(' '), { variables });
  await api.store.applySpec(examples.TrafficPolicy, { manager: 'test' });
  for (const [name, app] of [
    ['a', 'web'],
    ['b', 'db'],
  ] as const) {
    await api.store.applySpec(
      { kind: 'Tap', metadata: { name, namespace: 'shop', labels: { app } }, spec: {} },
      { manager: 'test' },
    );
  }
  const two = await cli('tap/a tp/proxy tap/none');
  t.is(two.code, 3, 'what is missing decides');
  t.regex(two.stdout, /^Name: +a\n[^]*\n\n\nName: +proxy\n[^]*\nEvents:\n {2}<none>\n$/);
  t.is(two.stderr, 'error: Tap shop/none does not exist\n');
  const selected = await cli('taps -l app=db');
  t.regex(selected.stdout, /^Name: +b\n/);
  t.is(selected.stdout.match(/^Name:/gm)?.length, 1);
  const all = await cli('taps --json');
  t.like(JSON.parse(all.stdout), {
    items: { 0: { object: { metadata: { name: 'a' } }, events: [] }, length: 2 },
    errors: [],
  });
  t.is((await cli('exp')).stderr, 'no experiments in namespace shop\n');
  const both = await cli('tap/a -l app=web');
  t.is(both.code, 2);
  t.regex(both.stderr, /either names or -l/);
});
