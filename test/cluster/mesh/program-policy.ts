import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createIstioTarget } from '../../../functions/mesh/istio/istio-target.ts';
import { compile } from '../../../functions/policy/compile.ts';
import type { RunIntent } from '../../../knative/resources/experiment-run.ts';
import type { TrafficPolicySpec } from '../../../knative/resources/traffic-policy.ts';
import { meshPolicy } from '../../functions/mesh/istio/examples.ts';
import { runOf } from '../../functions/policy/examples.ts';
import type { MeshTier } from '../tiers/mesh.ts';
import { stampOf, type Asker } from './asker.ts';

let generation = 0;

/**
 * Programs the policy for the Service `proxy`, with a run if an intent is given, and waits until the client's proxy has it.
 * @returns hash of what is programmed.
 */
export async function programPolicy(
  t: ExecutionContext,
  { client }: MeshTier,
  { get }: Asker,
  intent?: RunIntent,
  rules?: TrafficPolicySpec['rules'],
): Promise<string | undefined> {
  const target = createIstioTarget({ client, clock: systemClock, drainMs: 0 });
  const policy = meshPolicy({ ...(rules && { rules }) }, { generation: (generation += 1) });
  const runs = intent === undefined ? [] : [runOf({ phase: 'Running', intent })];
  const reading = await target.read();
  const place = (each: typeof policy) => target.place(each);
  const traffic = compile([policy], runs, { released: reading.released, place });
  const outcome = (await reading.program(traffic, { resync: false })).get('shop/proxy');
  t.is(outcome?.state, 'acknowledged', outcome?.message);
  const wanted = traffic.form.listeners[0]?.hosts[0]?.routes.at(-1)?.destinations[0]?.stamp;
  const epoch = `.${wanted?.epoch}.`;
  await until(async () => stampOf(await get()).includes(epoch));
  return outcome?.hash;
}

/**
 * Resolves when a proxy's listeners of before, which know nothing of what came after them, have no connection any more.
 * @param ask asks the Envoy of a pod for a path of its admin interface.
 */
export async function drained(ask: (path: string) => Promise<string>): Promise<void> {
  const gauge = /^listener_manager\.total_(filter_chains|listeners)_draining: (?<count>\d+)$/gm;
  await until(async () => {
    const found = [...(await ask('stats?filter=draining')).matchAll(gauge)];
    return found.length === 2 && found.every(({ groups }) => groups?.['count'] === '0');
  });
}

/** @throws Error when it is not so after a minute. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('what was waited for did not come in a minute');
    await sleep(20);
  }
}
