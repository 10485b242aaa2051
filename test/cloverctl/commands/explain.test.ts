import test from 'ava';
import { runCli } from '../run-cli.ts';

test('explain tells type, description, bounds and rules of a field, without a control plane', async (t) => {
  const { code, stdout, stderr } = await runCli(['explain', 'exp.spec.plan']);
  t.is(code, 0, stderr);
  t.regex(
    stdout,
    /^GROUP: +clover\.dev\nKIND: +Experiment\nVERSION: +v1alpha1\n\nFIELD: +plan <\[\]Object>\n/,
  );
  t.regex(stdout, /\n {4}default: \[\{"weight":50\}\]\n {4}items: 1 to 16\n/);
  t.regex(
    stdout,
    /\nFIELDS:\n {2}weight <number> -required-\n {4}Share [^]*\n {4}range: 1 to 99\n/,
  );
  const { stdout: metadata } = await runCli(['explain', 'tp.metadata']);
  t.deepEqual(
    [...metadata.matchAll(/^ {2}(\w+) </gm)].map(([, name]) => name),
    [
      'name',
      'namespace',
      'labels',
      'annotations',
      'uid',
      'resourceVersion',
      'generation',
      'creationTimestamp',
      'deletionTimestamp',
      'finalizers',
    ],
  );
  const { stdout: tree } = await runCli(['explain', 'tp', '--recursive']);
  t.regex(
    tree,
    /\n {2}spec <Object> -required-\n {4}target <Object> -required-\n {6}host <string> -required-\n/,
  );
});

test('explain -o json holds the schema; what is not known is refused', async (t) => {
  const { stdout } = await runCli(['explain', 'tap.spec.ports', '-o', 'json']);
  t.like(JSON.parse(stdout), {
    kind: 'Tap',
    version: 'v1alpha1',
    field: 'spec.ports',
    required: false,
    schema: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65_535 } },
  });
  const typo = await runCli(['explain', 'tap.spec.prots']);
  t.is(typo.code, 2);
  t.is(typo.stderr, 'error: tap.spec has no field "prots": did you mean "ports"?\n');
  t.is(
    (await runCli(['explain', 'tpa'])).stderr,
    'error: unknown kind "tpa": did you mean "tap"?\n',
  );
});
