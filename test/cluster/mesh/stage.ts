import { join } from 'node:path';
import { builtPrograms } from '../build.ts';
import { writeImage } from '../image.ts';
import { nodeParts } from '../programs.ts';
import type { MeshTier } from '../tiers/mesh.ts';

/** Namespace of the stage, whose pods get proxies. */
export const shop = 'shop';

/** The program `echo`. */
const image = 'dev.local/echo:1';
const port = 8_080;

/** The Gateway, and the host that it answers for. */
export const gateway = { name: 'front', host: 'shop.example' } as const;
const group = 'gateway.networking.k8s.io/v1';

/** A client, either version of the Service `proxy` in a pod, and a Gateway that leads there. */
const objects = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'client' } },
    pod('client', { app: 'client' }, 'client'),
    ...['v1', 'v2'].map((version) => pod(version, { app: 'proxy', version })),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'proxy' },
      spec: { selector: { app: 'proxy' }, ports: [{ name: 'http', port }] },
    },
    {
      apiVersion: group,
      kind: 'Gateway',
      metadata: { name: gateway.name },
      spec: {
        gatewayClassName: 'istio',
        listeners: [{ name: 'http', port: 80, protocol: 'HTTP', hostname: gateway.host }],
      },
    },
    {
      apiVersion: group,
      kind: 'HTTPRoute',
      metadata: { name: 'proxy' },
      spec: {
        parentRefs: [{ name: gateway.name }],
        hostnames: [gateway.host],
        rules: [{ backendRefs: [{ name: 'proxy', port }] }],
      },
    },
  ],
};

/** It answers with its name. */
function pod(
  name: string,
  labels: Readonly<Record<string, string>>,
  serviceAccountName = 'default',
): object {
  const probe = { httpGet: { path: '/ready', port }, periodSeconds: 1 };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      serviceAccountName,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'echo', image, args: ['serve', `:${port}`], readinessProbe: probe }],
    },
  };
}

/** Runs kubectl in the namespace of the stage. */
export function inShop(tier: MeshTier, ...args: readonly string[]): Promise<string> {
  return tier.kubectl([`--namespace=${shop}`, ...args]);
}

/** Sets the stage; resolves when its pods are ready, and its Gateway is programmed. */
export async function setStage(tier: MeshTier): Promise<void> {
  const programs = await builtPrograms(nodeParts);
  const file = join(tier.folder, 'echo.tar');
  await writeImage({ name: image, program: programs?.['echo'] ?? 'echo' }, file);
  await tier.importImage(file);
  const labels = { 'istio-injection': 'enabled' };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: shop, labels } };
  // The API server checks it: to ask for all schemas takes kubectl half a minute on a busy machine.
  const apply = ['apply', '--server-side', '--validate=false', '-f', '-'];
  await tier.kubectl(apply, JSON.stringify(namespace));
  await inShop(tier, 'wait', '--for=create', '--timeout=60s', 'serviceaccount/default');
  await tier.kubectl([`--namespace=${shop}`, ...apply], JSON.stringify(objects));
  const ready = ['wait', '--for=condition=Ready', '--timeout=120s'];
  await inShop(tier, ...ready, 'pod', '--all');
  const programmed = ['wait', '--for=condition=Programmed', '--timeout=120s'];
  await inShop(tier, ...programmed, `gateway/${gateway.name}`);
}
