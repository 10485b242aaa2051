import type { ExecutionContext } from 'ava';
import { createApi } from '../../../functions/api/function.ts';
import type { Guard } from '../../../functions/resources/kubernetes/guard.ts';
import { createHost } from '../../../functions/host/create-host.ts';
import { createRunner } from '../../../functions/host/runner.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { entryOf, noEmit, silent } from '../host/helpers.ts';
import { memoryRecords } from './memory-records.ts';
import { rows } from './server.ts';

/** The API on a host that asks nobody for a token, as on Knative; returns its URL. It is taken down with the test. */
export async function startGuarded(
  t: ExecutionContext,
  { guard, resources }: { readonly guard: Guard; readonly resources: ResourceStore },
): Promise<string> {
  const records = await memoryRecords();
  const api = createApi({
    guard,
    resources,
    analytics: { red: async () => rows.red, storedArms: async () => rows.arms },
    evidence: { totals: async () => rows.totals, looks: async () => rows.looks },
    status: async () => ({}),
    records,
    clock: systemClock,
    version: '1.2.3',
  });
  const runner = createRunner({
    functions: [api],
    catalogue: [entryOf('api', { paths: ['/'] })],
    log: silent,
    emit: noEmit,
  });
  const host = createHost({ runner, rootFunction: 'api', log: silent, drainGraceMs: 0 });
  t.teardown(async () => {
    await host.close();
    await runner.close();
    await resources.close();
    await records.close();
  });
  return host.listen({ host: '127.0.0.1', port: 0 });
}
