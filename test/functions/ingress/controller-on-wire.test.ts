import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { startController } from '../../../functions/ingress/controller.ts';
import { hashHeader, healthHost } from '../../../functions/ingress/routes.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { Acknowledgement, GatewaySnapshot } from '../../../functions/mesh/envoy/gateway.ts';
import {
  createMemoryGateway,
  type MemoryGateway,
} from '../../../functions/mesh/envoy/memory-gateway.ts';
import { noTelemetry } from '../../../functions/host/telemetry.ts';
import { listenOnLoopback, silent } from '../host/helpers.ts';
import { listed, onWire, refusal, reply, told, type Answer } from '../resources/kubernetes/wire.ts';
import { ingressOf, sliceOf, specOf, splitOf } from './examples.ts';

const ingressClass = 'clover.example';
const annotations = { 'networking.knative.dev/ingress.class': ingressClass };
const app = ingressOf('app', specOf(['a.b'], [{ splits: [splitOf('v1')] }]), { annotations });
const service = {
  metadata: { namespace: 'shop', name: 'v1' },
  spec: { ports: [{ name: 'http', port: 80 }] },
};
const objects: Readonly<Record<string, readonly object[]>> = {
  ingresses: [app],
  services: [service],
  endpointslices: [sliceOf('v1', ['10.0.0.1'])],
};
const patched = z.object({
  status: z.object({
    conditions: z.array(
      z.object({
        type: z.string(),
        status: z.string(),
        reason: z.string().optional(),
        message: z.string().optional(),
      }),
    ),
  }),
});

interface Bench {
  /** What was written of `NetworkConfigured`, each time. */
  readonly statuses: readonly string[];
  readonly gateway: MemoryGateway;
  readonly until: (condition: () => boolean) => Promise<void>;
}

/** A controller on an API with one Ingress; the test decides what becomes of snapshots and of statuses. */
async function bench(
  t: ExecutionContext,
  take: () => Acknowledgement,
  answerToStatus: (count: number) => Answer,
): Promise<Bench> {
  const gateway = createMemoryGateway();
  let inForce: GatewaySnapshot | undefined;
  gateway.answer((snapshot) => {
    const acknowledgement = take();
    inForce = snapshot;
    return acknowledgement;
  });
  const statuses: string[] = [];
  let changed = Promise.withResolvers<void>();
  const { client } = await onWire(t, ({ method, path, query, body }) => {
    if (method === 'PATCH') {
      const { conditions } = patched.parse(body).status;
      const network = conditions.find(({ type }) => type === 'NetworkConfigured');
      const said = [network?.status, network?.reason, network?.message];
      statuses.push(said.filter((word) => word !== undefined).join(' '));
      changed.resolve();
      return answerToStatus(statuses.length);
    }
    if (query['watch'] === 'true') return told([]);
    const plural = path.split('/').at(-1) ?? '';
    return listed(objects[plural] ?? [], '1');
  });
  // In the place of Envoy: it has what was taken last.
  const envoy = createServer(({ headers }, response) => {
    const text = JSON.stringify(inForce?.resources ?? {});
    const hash = new RegExp(`"key":"${hashHeader}","value":"([^"]+)"`).exec(text)?.[1];
    if (headers.host !== healthHost && hash !== undefined) response.setHeader(hashHeader, hash);
    response.end();
  });
  const port = await listenOnLoopback(envoy);
  t.teardown(() => envoy.close());
  const controller = startController({
    client,
    gateway,
    admin: { drain: async () => true },
    ingressClass,
    ports: { external: port, internal: port },
    service: 'clover-ingress/clover-ingress',
    loadBalancers: { external: 'ext', internal: 'int' },
    clock: systemClock,
    monotonicMs: () => performance.now(),
    log: silent,
    telemetry: noTelemetry,
    onFatal: (error) => t.fail(String(error)),
  });
  t.teardown(() => controller.stop());
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      changed = Promise.withResolvers();
      await changed.promise;
    }
  };
  return { gateway, statuses, until };
}

const acknowledge = (): Acknowledgement => ({ state: 'acknowledged' });

const refuse = (): never => {
  throw new CloverError('CLV_GATEWAY_REJECTED', 'clusters: no such field');
};

test('what Envoy refuses is said by the Ingress, and is not given to it again', async (t) => {
  const { statuses, gateway, until } = await bench(t, refuse, () => reply({}));
  await until(() => statuses.length === 1);
  t.deepEqual(statuses, ['Unknown EnvoyRefused clusters: no such field']);
  t.is(gateway.applied.length, 1);
});

test('a status that is refused is written again until it is there', async (t) => {
  const { statuses, gateway, until } = await bench(t, acknowledge, (count) =>
    count < 3 ? refusal(500, 'etcd is full') : reply({}),
  );
  await until(() => statuses.length === 3);
  t.deepEqual(statuses, ['True', 'True', 'True']);
  t.is(gateway.applied.length, 1);
});
