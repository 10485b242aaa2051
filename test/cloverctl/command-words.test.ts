import test from 'ava';
import { commandIndex, namespaceBehindCommand } from '../../cloverctl/command-words.ts';
import { startApi } from '../functions/api/server.ts';
import { examples } from '../functions/resources/examples.ts';
import { runCli } from './run-cli.ts';

test('a namespace before the command goes behind it, in every form, and nothing else moves', (t) => {
  for (const form of ['-n shop', '-nshop', '--namespace shop', '--namespace=shop']) {
    const args = `--json ${form} --server http://x get taps -n else`.split(' ');
    const moved = `--json --server http://x get ${form} taps -n else`.split(' ');
    t.deepEqual(namespaceBehindCommand(args), moved);
  }
  for (const line of ['get -n shop taps', '-n shop', '--server -x', '']) {
    t.deepEqual(namespaceBehindCommand(line.split(' ')), line.split(' '));
  }
  t.is(commandIndex(['-n', 'get', 'get']), 2);
});

test('-n before the command is the namespace of the command, and of completion', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const cli = (args: string, stdin = '') => runCli(args.split(' '), { variables, stdin });
  await cli('apply -f -', JSON.stringify(examples.Tap));
  const found = await cli('-n shop get taps -o name');
  t.deepEqual([found.stdout, found.code], ['tap.clover.dev/web\n', 0], found.stderr);
  t.is((await cli('--namespace=else get taps')).stderr, 'no taps in namespace else\n');
  t.regex((await cli('-n shop top')).stderr, /unknown option '-n'\n\(see "cloverctl top --help"\)/);
  t.is((await cli('-n shop')).code, 2);
  t.regex((await cli('__complete -- -n shop get taps ')).stdout, /^web/);
  t.regex((await cli('__complete -- -n ')).stdout, /^shop/m);
  t.regex((await cli('__complete -- -n shop g')).stdout, /^get/);
});
