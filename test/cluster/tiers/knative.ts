import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { envoyProgram } from '../../../cloverctl/supervisor/programs.ts';
import { networkLayerObjects } from '../../../knative/render/ingress/objects.ts';
import { networkLayerSchema } from '../../../knative/render/ingress/settings.ts';
import type { Programs } from '../build.ts';
import { cloverArchives, importClover, importEach } from '../clover-images.ts';
import { keptImage } from '../image.ts';
import {
  fitRelease,
  readRelease,
  type ReleaseObject,
  type ReleaseSettings,
} from '../knative/objects.ts';
import { envoyLibraries } from '../mesh/proxy-image.ts';
import { knative } from '../programs.ts';
import { waitForWebhooks } from '../webhooks.ts';
import { startMesh, type MeshTier } from './mesh.ts';
import type { NodeOptions } from './node.ts';

/** Serving and Eventing on a node of a mesh, with channels in memory, and Clover's own network layer for Serving. */
export interface KnativeTier extends MeshTier {
  /** Address where the network layer answers clients outside of the cluster: each Service by its host. */
  readonly gateway: string;
  /** What the host of a Service ends with: `<name>.<namespace>.<domain>`. */
  readonly domain: string;
  /** Sets features of Eventing, as its ConfigMap `config-features` has them. */
  setFeatures(features: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Whether Serving scales to zero by its own defaults: pods stay for a minute after their last request, and more. Otherwise as soon as
   * it can, which is how it starts.
   */
  setSlowScaling(isSlow: boolean): Promise<void>;
  /**
   * Makes images of Clover, and imports them.
   * @param names as `npm run images` has them.
   * @returns what each is called in a pod, by its name.
   */
  importClover(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** Options of {@link startKnative}. */
export interface KnativeOptions extends NodeOptions {
  /** More data of Knative's ConfigMaps, by their names. */
  readonly settings?: ReleaseSettings;
}

const envoyImage = 'dev.local/envoy:1';
const domain = 'example.test';
const namespaces = { eventing: 'knative-eventing', serving: 'knative-serving' } as const;
const network = networkLayerSchema.parse({
  version: '0.1.0',
  images: { envoy: envoyImage },
  replicas: 1,
  service: { type: 'ClusterIP' },
  drainSeconds: 1,
  concurrency: 1,
  resources: { controller: {}, envoy: {} },
});

/** The least that there can be, so that tests see zero pods soon. */
const quickScaling = {
  'stable-window': '6s',
  'scale-to-zero-grace-period': '5s',
  'scale-to-zero-pod-retention-period': '0s',
} as const;

const settings = {
  'config-autoscaler': quickScaling,
  'config-deployment': {
    'queue-sidecar-image': imageOf('queue-proxy'),
    // Otherwise Serving asks a registry for the digest.
    'registries-skipping-tag-resolving': 'dev.local',
    'queue-sidecar-cpu-request': '5m',
    'queue-sidecar-memory-request': '32Mi',
  },
  'config-domain': { [domain]: '' },
  'config-network': { 'ingress-class': network.ingressClass },
} as const;

function imageOf(program: string): string {
  return `dev.local/knative-${program}:1`;
}

/**
 * Starts the tier; resolves when all of it is there and its webhooks answer.
 * @throws Error with what kubectl says when a part of it is not there in three minutes.
 */
export async function startKnative(options: KnativeOptions): Promise<KnativeTier> {
  const { programs } = options;
  const folder = join(options.run.path, 'knative');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [node, archives, [ingress = '']] = await Promise.all([
    startMesh(options),
    archivesOf(programs),
    cloverArchives(['ingress'], folder),
  ]);
  // The API server checks it: to ask for all schemas takes kubectl half a minute on a busy machine.
  const how = ['--server-side', '--force-conflicts', '--validate=false'];
  const apply = (objects: readonly object[]): Promise<string> =>
    node.kubectl(
      ['apply', ...how, '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    );
  const importing = importEach(node, [...archives, ingress]);
  const { definitions, others, deployments, webhooks } = fitRelease(await release(programs), {
    images: new Map(Object.entries(knative.programs).map(([name, path]) => [path, imageOf(name)])),
    settings: { ...settings, ...options.settings },
  });
  await apply(definitions);
  await node.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  await apply(others);
  await importing;
  await apply(deployments);
  await apply(networkLayerObjects(network));
  for (const namespace of [...Object.values(namespaces), network.namespace]) {
    const available = ['wait', '--for=condition=Available', '--timeout=180s'];
    await node.kubectl([...available, '-n', namespace, 'deployment', '--all']);
  }
  await apply(webhooks);
  await waitForWebhooks(node);
  const gateway = await node.kubectl([
    'get',
    'service/clover-ingress',
    `--namespace=${network.namespace}`,
    '--output=jsonpath={.spec.clusterIP}',
  ]);
  const setData = async (
    [name, namespace]: readonly [string, string],
    data: Readonly<Record<string, string | null>>,
  ): Promise<void> => {
    const patch = JSON.stringify({ data });
    await node.kubectl(['patch', 'configmap', name, '-n', namespace, '--type=merge', '-p', patch]);
  };
  return {
    ...node,
    gateway,
    domain,
    setFeatures: (features) => setData(['config-features', namespaces.eventing], features),
    setSlowScaling: (isSlow) => {
      // What is not there is Serving's default.
      const unset = Object.fromEntries(Object.keys(quickScaling).map((key) => [key, null]));
      return setData(['config-autoscaler', namespaces.serving], isSlow ? unset : quickScaling);
    },
    importClover: (names) => importClover(node, names),
  };
}

function archivesOf(programs: Programs): Promise<string[]> {
  const images = Object.keys(knative.programs).map((name) => ({
    name: imageOf(name),
    program: programs[name] ?? name,
  }));
  const envoy = {
    name: envoyImage,
    program: envoyProgram(),
    path: 'envoy',
    libraries: envoyLibraries,
  };
  return Promise.all([...images, envoy].map(keptImage));
}

async function release(programs: Programs): Promise<ReleaseObject[]> {
  const files = Object.keys(knative.files ?? {}).map((name) => programs[name] ?? name);
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap(readRelease);
}
