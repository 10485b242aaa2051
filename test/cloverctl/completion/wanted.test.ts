import process from 'node:process';
import test from 'ava';
import { wantedAt, type Wanted } from '../../../cloverctl/completion/wanted.ts';
import { createCliEnv } from '../../../cloverctl/env.ts';
import { createProgram } from '../../../cloverctl/program.ts';

const program = await createProgram([], createCliEnv(process));
const at = (line: string): Wanted => wantedAt(program, line.split(' '));
const words = (line: string): readonly string[] => at(line).words.map(({ value }) => value);

test('commands stand first, and hidden ones are not offered', (t) => {
  const first = words('');
  for (const name of ['apply', 'events', 'version']) t.true(first.includes(name), name);
  t.false(first.some((name) => name.startsWith('__')));
  t.deepEqual(words('events '), ['send', 'tail']);
  t.deepEqual(words('--server http://x events '), ['send', 'tail']);
  t.deepEqual(words('version '), []);
  t.true(first.includes('help'));
  t.true(words('help ').includes('deadletters'));
  t.deepEqual(words('help events '), ['send', 'tail']);
  t.deepEqual(words('help version '), []);
});

test('options of the command and of all commands are offered, but not after --', (t) => {
  const options = words('events tail -');
  for (const flag of ['--filter', '--output', '-o', '--json', '--help']) {
    t.true(options.includes(flag), flag);
  }
  t.false(options.includes('--sort'));
  t.deepEqual(words('get -- -'), words('get '));
});

test('values of options come from their choices, from the server, or from the shell', (t) => {
  t.deepEqual(words('top --sort '), ['requests', 'errors', 'p99']);
  t.deepEqual([words('top --sort='), at('top --sort=').prefix], [words('top --sort '), '--sort=']);
  t.deepEqual(words('top -o '), ['table', 'json']);
  t.deepEqual(at('get taps -n ').live, { of: 'namespaces' });
  t.deepEqual(at('get --context ').live, { of: 'contexts' });
  t.deepEqual(at('deadletters list --trigger ').live, { of: 'triggers' });
  t.is(at('apply -f ').paths, 'files');
  t.is(at('up --data ').paths, 'folders');
  t.deepEqual(at('events tail --limit '), {
    ...at('version '),
    options: new Map<string, string>(),
  });
  t.deepEqual(at('nonsense --nope=').words, []);
});

test('kinds come first, and then names of that kind', (t) => {
  t.true(words('get ').includes('experimentruns'));
  t.true(words('get ').includes('events'));
  t.false(words('delete ').includes('events'));
  t.deepEqual(words('delete '), ['experiments', 'taps', 'trafficpolicies']);
  t.deepEqual(words('edit '), words('delete '));
  t.false(words('describe ').includes('events'), 'describe knows none by name');
  t.like(at('get tp,t'), { prefix: 'tp,', taken: ['tp,trafficpolicies', 'tp,'] });
  t.deepEqual(words('get tp,t'), ['experiments', 'experimentruns', 'taps', 'trafficpolicies']);
  t.deepEqual(words('deadletters list '), []);
  t.is(at('deadletters list ').live, undefined);
  t.like(at('get tp '), { live: { of: 'objects', kind: 'TrafficPolicy' }, prefix: '' });
  t.like(at('delete Taps a b '), { live: { kind: 'Tap' }, taken: ['a', 'b'] });
  t.like(at('describe -n shop exp/'), { live: { kind: 'Experiment' }, prefix: 'exp/' });
  t.is(at('describe -n shop exp/').options.get('namespace'), 'shop');
  t.is(at('describe --namespace=shop exp/').options.get('namespace'), 'shop');
  t.is(at('get nothing ').live, undefined);
  t.is(at('get nothing/').live, undefined);
});

test('fields of kinds are offered to explain', (t) => {
  t.true(words('explain ').includes('trafficpolicies'));
  t.true(words('explain tp.').includes('spec'));
  const fields = at('explain tp.spec.rules.sp');
  t.true(fields.words.some(({ value }) => value === 'split'));
  t.is(fields.prefix, 'tp.spec.rules.');
  t.deepEqual(words('explain tp.nothing.x'), []);
  t.deepEqual(words('explain nothing.'), []);
});

test('runs, dead letters and contexts are offered where a command takes them', (t) => {
  t.like(at('looks ').live, { kind: 'ExperimentRun' });
  t.is(at('looks r1 ').live, undefined);
  t.deepEqual(at('deadletters show ').live, { of: 'deadletters' });
  t.is(at('deadletters show 7 ').live, undefined);
  t.like(at('deadletters drop 7 '), { live: { of: 'deadletters' }, taken: ['7'] });
  t.deepEqual(at('config use-context ').live, { of: 'contexts' });
  t.deepEqual(words('completion '), ['bash', 'fish', 'zsh']);
});
