import test from 'ava';
import { startApi } from '../../functions/api/server.ts';
import { examples } from '../../functions/resources/examples.ts';
import { runCli } from '../run-cli.ts';

test('diff shows what an apply would change, as a unified diff and by its exit code', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const cli = (args: string, ...documents: readonly unknown[]) =>
    runCli(args.split(' '), {
      variables,
      stdin: JSON.stringify({ kind: 'List', items: documents }),
    });
  await cli('apply -f -', examples.Tap, examples.TrafficPolicy);
  const same = await cli('diff -f -', examples.Tap, examples.TrafficPolicy);
  t.deepEqual(same, { code: 0, stdout: '', stderr: '' });

  const changed = { ...examples.Tap, spec: { ports: [80, 9090] } };
  const added = { ...examples.Tap, metadata: { name: 'more' } };
  const result = await cli('diff -f -', changed, examples.TrafficPolicy, added);
  t.is(result.code, 1, result.stderr);
  t.regex(
    result.stdout,
    /^--- stored\/shop\/tap\.clover\.dev\/web\n\+\+\+ applied\/shop\/tap\.clover\.dev\/web\n@@ -\d+,\d+ \+\d+,\d+ @@\n[^]*\n- {4}- 8080\n\+ {4}- 9090\n/,
  );
  t.regex(
    result.stdout,
    /\n--- stored\/default\/tap\.clover\.dev\/more\n[^]*\n@@ -0,0 \+1,\d+ @@\n\+apiVersion: /,
  );
  t.false(result.stdout.includes('trafficpolicy'));
  t.notRegex(result.stdout, /uid|resourceVersion|status/);
  t.is((await api.store.list('Tap')).items.length, 1, 'nothing is stored');

  const bad = await cli('diff -f - --json', { ...examples.Tap, spec: { ports: [0] } }, changed);
  t.is(bad.code, 4, 'an error decides');
  t.like(JSON.parse(bad.stdout), {
    items: { 0: { object: 'tap.clover.dev/web', namespace: 'shop' } },
    errors: { 0: { code: 'CLV_RESOURCE_INVALID' } },
  });
  const failed = await runCli(['diff', '-f', '-'], {
    variables: { ...variables, CLOVER_TOKEN: 'wrong' },
    stdin: JSON.stringify(changed),
  });
  t.is(failed.code, 6, 'a failure is never taken for a difference');
  t.regex(failed.stderr, /error: stdin: /);
  const bare = await cli('diff tap.yaml');
  t.regex(bare.stderr, /write "cloverctl diff -f tap\.yaml"/);
});
