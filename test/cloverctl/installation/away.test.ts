import { setTimeout } from 'node:timers/promises';
import type { Outcome } from '../../../cloverctl/installation/apply-objects.ts';
import { install } from '../../../cloverctl/installation/install.ts';
import { parseSet } from '../../../cloverctl/installation/set-option.ts';
import { uninstall } from '../../../cloverctl/installation/uninstall.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { everything } from './cluster.ts';
import { clickhouse, installationStand } from './stand.ts';

const { serial, started } = await installationStand();

/** Once something has been changed, every third call is lost on its way, or its answer is. */
function unreliable(client: KubeClient): KubeClient & { readonly lost: () => number } {
  let calls: number | undefined;
  let lost = 0;
  const lose = (): never => {
    lost += 1;
    throw new CloverError('CLV_KUBERNETES_UNREACHABLE', 'connect ECONNREFUSED');
  };
  return {
    ...client,
    lost: () => lost,
    call: async (call) => {
      const { method, query } = call;
      const isChange = method !== 'GET' && method !== 'POST' && query?.['dryRun'] === undefined;
      if (isChange) calls ??= 2;
      if (calls === undefined) return client.call(call);
      calls += 1;
      if (calls % 6 === 3) lose();
      const answer = await client.call(call);
      return calls % 6 === 0 ? lose() : answer;
    },
  };
}

/** Waits are short. */
const sleep = (_: number, signal?: AbortSignal): Promise<void> =>
  setTimeout(20, undefined, { signal });

const how = () => {
  const outcomes: Outcome[] = [];
  const warnings: string[] = [];
  return {
    outcomes,
    warnings,
    changes: () => outcomes.map(({ place: { kind, name }, change }) => `${change} ${kind} ${name}`),
    namespace: 'clover-system',
    env: { clock: { ...systemClock, sleep }, signal: new AbortController().signal },
    timeoutMs: 60_000,
    dryRun: false,
    force: false,
    warn: (line: string) => void warnings.push(line),
    done: (outcome: Outcome) => void outcomes.push(outcome),
  };
};

serial('an API server that is away in the middle ends neither install nor uninstall', async (t) => {
  const { client: real, before } = await started;
  const put = how();
  const client = unreliable(real);
  await install({
    ...put,
    client,
    set: clickhouse.filter((each) => each !== '--set').flatMap((each) => parseSet(each)),
    upgrade: false,
    forceConflicts: false,
    found: () => undefined,
    applied: async () => undefined,
  });
  t.true(client.lost() > 10);
  t.true(
    put.changes().every((change) => /^(created|unchanged) /.test(change)),
    put.changes().join(),
  );
  t.is(
    put.warnings.filter((line) => line.endsWith('ECONNREFUSED; waiting for it')).length,
    client.lost(),
  );

  const away = unreliable(real);
  const taken = how();
  await uninstall({ ...taken, client: away, data: 'none' });
  t.true(away.lost() > 10);
  t.deepEqual(await everything(real), before);
});
