import test from 'ava';
import { startApi } from '../functions/api/server.ts';
import { examples } from '../functions/resources/examples.ts';
import { runCli } from './run-cli.ts';

test('get events is a table of what happened, and describe shows what is about its object', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const cli = (args: string, stdin = '') => runCli(args.split(' '), { variables, stdin });
  const table = await cli('get events -A');
  t.is(table.code, 0, table.stderr);
  t.regex(table.stdout, /^LAST SEEN +TYPE +REASON +OBJECT +NOTE\n/);
  t.regex(table.stdout, /\n\d+[smhd]\w* +(Normal|Warning) +\w+ +\w+\/\S+ +\S/);
  t.regex(
    (await cli('get events -A -o wide')).stdout,
    /\n\d+[smhd]\w* +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\d+ +(Normal|Warning) /,
  );
  const json = await cli('get events -A -o json');
  t.regex(json.stdout, /"kind":"EventList"/);
  t.is((await cli('get events -n nowhere')).stderr, 'no events in namespace nowhere\n');
  t.is((await cli('get events --watch')).code, 2);
  await cli('apply -f -', JSON.stringify(examples.TrafficPolicy));
  const described = await cli('describe tp proxy -n shop');
  t.is(described.code, 0, described.stderr);
  t.regex(described.stdout, /\nEvents:\n {2}\S/);
});
