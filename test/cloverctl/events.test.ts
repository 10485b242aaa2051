import test from 'ava';
import { systemClock } from '../../functions/lib/clock.ts';
import { recordOf } from '../functions/api/memory-records.ts';
import { startApi } from '../functions/api/server.ts';
import { eventOf } from '../functions/host/helpers.ts';
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
  t.is((await cli('get events --watch --sort-by .reason')).code, 2);
  await cli('apply -f -', JSON.stringify(examples.TrafficPolicy));
  const described = await cli('describe tp proxy -n shop');
  t.is(described.code, 0, described.stderr);
  t.regex(described.stdout, /\nEvents:\n {2}\S/);
});

test('get events -w and watch events go on with every record, in every form', async (t) => {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const write = (to: string) =>
    api.records.note({ uid: 'late', what: 'Passed', to }, recordOf('shop', 'late'));
  const follow = (args: string, end: RegExp) => {
    let isWritten = false;
    return runCli(args.split(' '), {
      variables,
      until: (stdout) => {
        // The first records are there: the rest has to come by the watch.
        if (!isWritten && stdout.includes('try-v2')) {
          isWritten = true;
          void write(args);
        }
        return end.test(stdout);
      },
    });
  };
  const shown = await follow('get events -w -n shop', /late/);
  t.regex(
    shown.stdout,
    /^EVENT +LAST SEEN +TYPE +REASON +OBJECT +NOTE\nADDED +\d+\w+ +Normal +Passed +experiment\/try-v2 .*\nADDED .*\/late /,
  );
  const again = await follow(
    'watch events -A -o jsonpath={.regarding.name}/{.series.count}',
    /late\/2/,
  );
  t.regex(again.stdout, /^try-v2\/\ntry-v3\/\nlate\/\nlate\/2\n$/);
  const json = await follow('get ev -w -n shop --json', /"count":3/);
  t.regex(json.stdout, /\{"type":"MODIFIED","object":\{"apiVersion":"events\.k8s\.io\/v1"/);
  t.is((await follow('get events -w -n shop -l a=b', /./)).code, 2);
});

test('events tail goes on after a restart of the server, and says that events between were missed', async (t) => {
  const api = await startApi(t);
  const over = new AbortController();
  let when = 'before';
  // Whoever tails sees what is taken from then on: so it is sent until it is seen.
  const sending = (async () => {
    while (!over.signal.aborted) {
      await api.broker.publish(eventOf({ id: when }));
      await systemClock.sleep(10);
    }
  })();
  const restart = async (): Promise<void> => {
    await api.stop();
    await api.start();
    when = 'after';
  };
  let restarting: Promise<void> | undefined;
  const { stderr } = await runCli(['events', 'tail', '--json'], {
    variables: { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token },
    until: (stdout) => {
      restarting ??= restart();
      return stdout.includes('"id":"after"');
    },
  });
  over.abort();
  await Promise.all([sending, restarting]);
  t.is(stderr, 'the stream broke and was taken up anew: events between were missed\n');
});
