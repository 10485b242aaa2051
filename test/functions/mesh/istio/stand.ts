import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { canonicalJson } from '../../../../functions/lib/canonical-json.ts';
import { systemClock } from '../../../../functions/lib/clock.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';
import type { CloverFunction } from '../../../../functions/host/function.ts';
import { tickEvent } from '../../../../functions/host/scheduler.ts';
import { createIstioTarget } from '../../../../functions/mesh/istio/istio-target.ts';
import { createPolicy } from '../../../../functions/policy/function.ts';
import { createKubernetesStore } from '../../../../functions/resources/kubernetes/kubernetes-store.ts';
import {
  createKubeClient,
  type KubeCall,
  type KubeClient,
} from '../../../../functions/resources/kubernetes/client.ts';
import type { KubeConnection } from '../../../../functions/resources/kubernetes/connection.ts';
import type { ExperimentRunStatus } from '../../../../knative/resources/experiment-run.ts';
import type { TrafficPolicySpec } from '../../../../knative/resources/traffic-policy.ts';
import { makeNamespace } from '../../../cluster/api-of-file.ts';
import { builtPrograms } from '../../../cluster/build.ts';
import { applyDefinitionsOf } from '../../../cluster/crds.ts';
import { istio } from '../../../cluster/programs.ts';
import { handle } from '../../host/helpers.ts';
import { runOf, updatedEvent } from '../../policy/examples.ts';
import { meshPolicy } from './examples.ts';

/** File with Istio's definitions; undefined where its programs are not built. */
export const istioDefinitions = (await builtPrograms(istio))?.['istio-crds.yaml'];

const found = z.object({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.record(z.string(), z.json()),
});

/** Addresses of the objects of the policy `proxy`, with `NS` for its namespace. */
export const paths = {
  VirtualService: 'networking.istio.io/v1/namespaces/NS/virtualservices/proxy',
  DestinationRule: 'networking.istio.io/v1/namespaces/NS/destinationrules/proxy',
  EnvoyFilter: 'networking.istio.io/v1alpha3/namespaces/NS/envoyfilters/proxy.v2',
} as const;

/** The function `policy` over a client of its own. */
export function policyBy(client: KubeClient): CloverFunction {
  return createPolicy({
    resources: createKubernetesStore(client),
    target: createIstioTarget({ client, clock: systemClock, drainMs: 0, leadMs: 0 }),
    clock: systemClock,
  });
}

/** A namespace of its own with the Service, and the ways to change and to see it. */
export async function meshStand(t: ExecutionContext, client: KubeClient, namespace: string) {
  await applyDefinitionsOf(client, istioDefinitions ?? '');
  await makeNamespace(client, namespace);
  const ports = [{ name: 'http', port: 8080 }];
  const apply = async (path: string, body: object): Promise<unknown> =>
    client.call({
      method: 'PATCH',
      path,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: 'test', force: 'true' },
      body,
    });
  await apply(`/api/v1/namespaces/${namespace}/services/proxy`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'proxy' },
    spec: { selector: { app: 'proxy' }, ports },
  });
  const resources = createKubernetesStore(client);
  const policy = policyBy(client);
  const metadata = { name: 'proxy', namespace };
  const setSpec = async (spec: Partial<TrafficPolicySpec> = {}): Promise<void> => {
    const wanted = { kind: 'TrafficPolicy', metadata, spec: meshPolicy(spec).spec } as const;
    await resources.applySpec(wanted, { manager: 'test' });
  };
  const setRun = async (status: ExperimentRunStatus): Promise<void> => {
    const name = { name: 'try-1', namespace };
    const wanted = { kind: 'ExperimentRun', metadata: name, spec: runOf({}).spec } as const;
    await resources.applySpec(wanted, { manager: 'test' });
    const run = await resources.get('ExperimentRun', namespace, 'try-1');
    if (run) await resources.patchStatus<'ExperimentRun'>(run, status);
  };
  const read = async (kind: keyof typeof paths): Promise<z.output<typeof found> | undefined> => {
    try {
      const path = `/apis/${paths[kind].replace('NS', namespace)}`;
      return found.parse(await client.call({ method: 'GET', path }));
    } catch (error) {
      if (error instanceof CloverError && error.code === 'CLV_NOT_FOUND') return undefined;
      throw error;
    }
  };
  const bytes = async (): Promise<string> => {
    const kinds = ['VirtualService', 'DestinationRule', 'EnvoyFilter'] as const;
    const specs = await Promise.all(kinds.map(async (kind) => (await read(kind))?.spec ?? null));
    return canonicalJson(specs);
  };
  const programmed = async (): Promise<string> => {
    const object = await resources.get('TrafficPolicy', namespace, 'proxy');
    const condition = object?.status.conditions?.find(({ type }) => type === 'Programmed');
    return `${condition?.status} ${condition?.reason} ${condition?.message}`.trim();
  };
  t.teardown(async () => {
    await resources.delete('ExperimentRun', namespace, 'try-1').catch(() => undefined);
    await resources.delete('TrafficPolicy', namespace, 'proxy').catch(() => undefined);
    await handle(policy, tickEvent('policy-resync', 0));
    await handle(policy, tickEvent('policy-resync', 1));
  });
  return {
    resources,
    apply,
    policy,
    setSpec,
    setRun,
    read,
    bytes,
    programmed,
    namespace,
    changed: (by = policy) => handle(by, updatedEvent),
    tick: (by = policy) => handle(by, tickEvent('policy-resync', 0)),
  };
}

/** A client that lets each write to Istio's objects wait. */
export function stalling(client: KubeClient): {
  readonly client: KubeClient;
  readonly reached: Promise<void>;
  readonly resume: () => void;
} {
  const reached = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  const call = async (asked: KubeCall): Promise<unknown> => {
    if (asked.method !== 'GET' && asked.path.includes('istio')) {
      reached.resolve();
      await resumed.promise;
    }
    return client.call(asked);
  };
  return {
    client: { call, lines: (...args) => client.lines(...args) },
    reached: reached.promise,
    resume: () => resumed.resolve(),
  };
}

/** A client of an administrator who acts as another user. */
export function clientAs(connection: KubeConnection, user: string): KubeClient {
  return createKubeClient({
    server: connection.server,
    options: async () => {
      const own = await connection.options();
      return { ...own, headers: { ...own.headers, 'impersonate-user': user } };
    },
  });
}
