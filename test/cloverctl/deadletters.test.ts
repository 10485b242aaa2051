import test from 'ava';
import { startApi } from '../functions/api/server.ts';
import { eventOf } from '../functions/host/helpers.ts';
import { runCli } from './run-cli.ts';

test('dead letters are listed, shown, delivered again and dropped', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const cli = (args: string) => runCli(`deadletters ${args}`.split(' '), { variables });
  t.is((await cli('list')).stderr, 'no dead letters\n');
  const knativeerrordata = Buffer.from('no such table').toString('base64');
  const extensions = { knativeerrorcode: '422', knativeerrordata };
  for (const trigger of ['on-a', 'on-a', 'on-b', 'on-b', 'on-b']) {
    api.broker.bury(eventOf({ extensions }), trigger);
  }
  const listed = await cli('list --trigger on-a');
  t.is(listed.code, 0, listed.stderr);
  t.regex(listed.stdout, /^ *ID +AT +TRIGGER +TYPE +ATTEMPTS +STATUS +ERROR\n/);
  t.is(listed.stdout.trim().split('\n').length, 3);
  t.regex(listed.stdout, / 2 +\S+ +on-a +test\.event +3 +422 +no such table\n/);
  t.regex((await cli('show 2')).stdout, /lastError: no such table\n/);
  t.is((await cli('show 99')).code, 3);

  t.is((await cli('drop 99 --dry-run')).code, 3, 'a dry run looks whether it is there');
  const replayed = await cli('replay 2 99');
  t.is(replayed.code, 3, 'of several failures the first decides');
  t.is(replayed.stdout, 'dead letter 2 replayed\n1 of 2 dead letters replayed, 1 failed\n');
  t.regex(replayed.stderr, /dead letter 99: .*99/);
  t.deepEqual(api.broker.replayed, [2]);

  const nope = await cli('replay --all --trigger nope');
  t.deepEqual(nope, { code: 0, stdout: '', stderr: 'no dead letters of a trigger "nope"\n' });
  t.is((await cli('list --trigger nope')).stderr, nope.stderr);
  t.is((await cli('drop --all --trigger nope --json')).stdout, '{"dropped":[]}\n');
  t.is((await cli('drop --all --trigger on-b')).code, 2, 'nobody can answer');
  const dry = await cli('drop --all --trigger on-b --dry-run');
  t.is(dry.stdout.match(/^dead letter \d dropped \(dry run\)$/gm)?.length, 3);
  t.regex(dry.stdout, /\n3 of 3 dead letters dropped \(dry run\)\n$/);
  const dropped = await cli('drop --all --trigger on-b --yes --json');
  t.is(dropped.stdout, '{"dropped":[5,4,3]}\n');
  t.regex((await cli('list -o json')).stdout, /"items":\[\{"id":1,/);
});

test('wrong arguments are told with the fix', async (t) => {
  for (const [args, said] of [
    ['replay', /give numbers, such as "replay 7 9", or --all/],
    ['replay 1 --all', /not both/],
    ['drop 1 --trigger x', /--trigger goes with --all/],
    ['drop zero', /must be a number from 1/],
    ['list --limit 0', /must be a number from 1/],
  ] as const) {
    const { code, stderr } = await runCli(`deadletters ${args}`.split(' '));
    t.is(code, 2, args);
    t.regex(stderr, said);
  }
});
