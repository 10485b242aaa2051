import test, { type ExecutionContext } from 'ava';
import type { KindMap } from '../../knative/resources/kinds.ts';
import { startApi, type ApiServer } from '../functions/api/server.ts';
import { examples } from '../functions/resources/examples.ts';
import { runCli, type CliResult } from './run-cli.ts';

const by = { manager: 'test' };

interface Bench {
  readonly api: ApiServer;
  readonly apply: (document: object) => Promise<CliResult>;
  readonly policy: () => Promise<KindMap['TrafficPolicy']>;
}

/** An API with the policy of the examples. */
async function start(t: ExecutionContext): Promise<Bench> {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  await api.store.applySpec(examples.TrafficPolicy, by);
  return {
    api,
    apply: (document) =>
      runCli(['apply', '-f', '-'], { variables, stdin: JSON.stringify(document) }),
    policy: async () => {
      const found = await api.store.get('TrafficPolicy', 'shop', 'proxy');
      if (found === undefined) throw new Error('no policy');
      return found;
    },
  };
}

test('an apply to an object that is being deleted is taken, with a warning that it goes', async (t) => {
  const { api, apply, policy } = await start(t);
  const held = await policy();
  await api.store.patchStatus<'TrafficPolicy'>(held, held.status, ['example.com/held']);
  await api.store.delete('TrafficPolicy', 'shop', 'proxy');
  const spec = { ...examples.TrafficPolicy.spec, target: { host: 'new.example', port: 80 } };
  const result = await apply({ ...examples.TrafficPolicy, spec });
  t.is(result.code, 0);
  t.is(result.stdout, 'trafficpolicy.clover.dev/proxy configured\n');
  t.is(
    result.stderr,
    'warning: TrafficPolicy proxy is being deleted and waits for example.com/held: what was applied goes with it, apply it again then\n',
  );
  const { metadata, status } = await policy();
  t.truthy(metadata.deletionTimestamp);
  await api.store.patchStatus<'TrafficPolicy'>(await policy(), status, []);
  t.deepEqual((await api.store.list('TrafficPolicy')).items, []);
});

test('an experiment on a policy that is not accepted is applied with a warning that says why', async (t) => {
  const { api, apply, policy } = await start(t);
  const facts = { observedGeneration: 1, lastTransitionTime: new Date().toISOString() };
  const reason = 'TargetConflict';
  const message = 'spec.target belongs to shop/elder';
  const conditions = [{ type: 'Accepted', status: 'False' as const, reason, message, ...facts }];
  await api.store.patchStatus<'TrafficPolicy'>(await policy(), { conditions });
  const result = await apply(examples.Experiment);
  t.is(result.code, 0);
  t.is(
    result.stderr,
    'warning: experiment try-v2 waits for TrafficPolicy proxy to be accepted: spec.target belongs to shop/elder\n',
  );
});
