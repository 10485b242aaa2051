import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { noTelemetry } from '../../../functions/host/telemetry.ts';
import { startController } from '../../../functions/ingress/controller.ts';
import { ingressSchema, type Ingress } from '../../../functions/ingress/ingress-object.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import { createEnvoyAdmin } from '../../../functions/mesh/envoy/admin.ts';
import { envoyArguments, envoyBootstrap } from '../../../functions/mesh/envoy/bootstrap.ts';
import { createFileXdsGateway } from '../../../functions/mesh/envoy/file-xds-gateway.ts';
import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { cacheFolder } from '../../cluster/build.ts';
import { findGo } from '../../cluster/go.ts';
import { kubernetes } from '../../cluster/programs.ts';
import { envoyBinary } from '../mesh/envoy/envoy.ts';
import { createLateLog } from '../../../functions/host/late-log.ts';

const run = promisify(execFile);

/** The module that Serving v0.49 has its networking from. */
const networkingModule = 'knative.dev/networking@v0.0.0-20260529061306-c8de379770b9';

const established = z.object({
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })) }),
});

/** Has the API server serve Knative's own Ingress. */
export async function applyIngressDefinition(client: KubeClient): Promise<void> {
  const go = await findGo(join(kubernetes.folder, 'go.mod'), cacheFolder, () => undefined);
  const { stdout } = await run(go.path, ['mod', 'download', '-json', networkingModule]);
  const { Dir } = z.object({ Dir: z.string() }).parse(JSON.parse(stdout));
  const body: unknown = parse(await readFile(join(Dir, 'config/ingress.yaml'), 'utf8'));
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  await client.call({ method: 'POST', path, body });
  for (;;) {
    const found = await client
      .call({ method: 'GET', path: `${path}/ingresses.networking.internal.knative.dev` })
      .then((answer) => established.safeParse(answer));
    const conditions = found.data?.status.conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    await delay(50);
  }
}

/** One answer of an upstream, or of Envoy. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What the upstream was asked; undefined when Envoy answered by itself. */
  readonly seen: z.output<typeof seenSchema> | undefined;
}

const seenSchema = z.object({
  name: z.string(),
  httpVersion: z.string(),
  path: z.string(),
  host: z.string(),
  headers: z.record(z.string(), z.unknown()),
});

/** A network layer of its own: a class, a namespace, an Envoy, a controller. */
export interface IngressStand {
  readonly namespace: string;
  readonly ingressClass: string;
  /** Envoy's: bootstrap, xDS files, admin socket. */
  readonly folder: string;
  readonly external: number;
  readonly internal: number;
  /** Makes or replaces objects. */
  apply(object: object): Promise<void>;
  removeIngress(name: string): Promise<void>;
  /** A Service without a selector. */
  service(name: string, port?: object, more?: object): Promise<void>;
  /** The endpoints of a Service, as a controller of Kubernetes would write them. */
  endpoints(name: string, places: readonly Place[], port?: string): Promise<void>;
  ingress(name: string, spec: object, more?: object): Promise<void>;
  read(name: string): Promise<Ingress>;
  /** Waits until the Ingress's newest state is what is asked for. */
  until(name: string, isSo: (ingress: Ingress) => boolean): Promise<Ingress>;
  get(port: number, host: string, path?: string, headers?: Record<string, string>): Promise<Answer>;
  startEnvoy(): Promise<void>;
  stopEnvoy(): Promise<void>;
  startController(): void;
  stopController(): Promise<void>;
}

/** An endpoint. */
export interface Place {
  readonly address: string;
  readonly port: number;
  readonly ready?: boolean;
  readonly terminating?: boolean;
}

/** What the controller takes for the address of its pod; RFC 5737 keeps it free. */
export const podAddress = '192.0.2.1';

const networking = '/apis/networking.internal.knative.dev/v1alpha1';
const nothing = async (): Promise<void> => undefined;

/**
 * Starts a stand; all of it goes when the test ends.
 * @param isWhole whether its controller and its Envoy are started; absent: yes.
 */
export async function startStand(
  t: ExecutionContext,
  client: KubeClient,
  isWhole = true,
): Promise<IngressStand> {
  const id = randomBytes(4).toString('hex');
  const namespace = `in-${id}`;
  const ingressClass = `${id}.ingress.networking.knative.dev`;
  await client.call({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  });
  const folder = await mkdtemp(join(tmpdir(), 'clover-ingress-'));
  const xdsDir = join(folder, 'xds');
  const adminSocket = join(folder, 'admin.sock');
  const bootstrapFile = join(folder, 'envoy.json');
  const [external, internal] = [await freePort(), await freePort()];
  await writeFile(
    bootstrapFile,
    JSON.stringify(envoyBootstrap({ nodeId: id, xdsDir, adminSocket })),
  );
  const agent = new Agent({ keepAlive: true });
  let stopEnvoy = nothing;
  let stopController = nothing;

  const apply = async (object: object): Promise<void> => {
    const { apiVersion, kind, metadata } = applied.parse(object);
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    await client.call({
      method: 'PATCH',
      path: `${base}/namespaces/${namespace}/${plurals[kind]}/${metadata.name}`,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: 'test', fieldValidation: 'Strict', force: 'true' },
      body: object,
    });
  };
  const read = async (name: string): Promise<Ingress> =>
    ingressSchema.parse(
      await client.call({
        method: 'GET',
        path: `${networking}/namespaces/${namespace}/ingresses/${name}`,
      }),
    );

  const stand: IngressStand = {
    namespace,
    ingressClass,
    folder,
    external,
    internal,
    apply,
    removeIngress: async (name) => {
      const path = `${networking}/namespaces/${namespace}/ingresses/${name}`;
      await client.call({ method: 'DELETE', path });
    },
    service: (name, port = { name: 'http', port: 80 }, more = {}) =>
      apply({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name },
        spec: { ports: [port], ...more },
      }),
    endpoints: (name, places, port = 'http') => {
      const [first] = places;
      return apply({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: first === undefined ? [] : [{ name: port, port: first.port }],
        endpoints: places.map(({ address, ready = true, terminating = false }) => ({
          addresses: [address],
          conditions: { ready, terminating },
        })),
      });
    },
    ingress: (name, spec, more = {}) =>
      apply({
        apiVersion: 'networking.internal.knative.dev/v1alpha1',
        kind: 'Ingress',
        metadata: { name, annotations: { 'networking.knative.dev/ingress.class': ingressClass } },
        spec,
        ...more,
      }),
    read,
    until: async (name, isSo) => {
      for (;;) {
        const found = await read(name);
        if (found.status?.observedGeneration === found.metadata.generation && isSo(found)) {
          return found;
        }
        await delay(20);
      }
    },
    get: (port, host, path = '/', headers = {}) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const call = request({ host: '127.0.0.1', port, path, headers: { ...headers, host }, agent });
      call.on('error', reject);
      call.on('response', (response) => {
        answerOf(response).then(resolve, reject);
      });
      call.end();
      return promise;
    },
    startEnvoy: async () => {
      const child = spawn(envoyBinary, envoyArguments({ bootstrapFile, concurrency: 2 }), {
        stdio: 'ignore',
      });
      const exited = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
      stopEnvoy = async () => {
        stopEnvoy = nothing;
        child.kill('SIGKILL');
        await exited;
        await rm(adminSocket, { force: true });
      };
      while (child.exitCode === null && !existsSync(adminSocket)) await delay(20);
    },
    stopEnvoy: () => stopEnvoy(),
    startController: () => {
      const gateway = createFileXdsGateway({ xdsDir, adminSocket, clock: systemClock });
      const admin = createEnvoyAdmin({ socketPath: adminSocket });
      const controller = startController({
        client,
        gateway,
        admin,
        ingressClass,
        ports: { external, internal },
        service: `${namespace}/clover-ingress`,
        podAddress,
        loadBalancers: { external: 'public.test', internal: 'private.test' },
        clock: systemClock,
        monotonicMs: () => performance.now(),
        log: createLateLog({ level: 'fatal', base: {} }),
        telemetry: noTelemetry,
        onFatal: (error) => t.fail(String(error)),
      });
      stopController = async () => {
        stopController = nothing;
        await controller.stop();
        admin.close();
        gateway.close();
      };
    },
    stopController: () => stopController(),
  };
  t.teardown(async () => {
    await stopController();
    await stopEnvoy();
    agent.destroy();
    await rm(folder, { recursive: true, force: true });
  });
  if (isWhole) {
    stand.startController();
    await stand.startEnvoy();
  }
  return stand;
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const { statusCode = 0, headers } = response;
  const body = await text(response);
  const seen = body.startsWith('{') ? seenSchema.parse(JSON.parse(body)) : undefined;
  return { status: statusCode, headers, seen };
}

const applied = z.object({
  apiVersion: z.string(),
  kind: z.enum(['EndpointSlice', 'Ingress', 'Service']),
  metadata: z.object({ name: z.string() }),
});

const plurals = {
  EndpointSlice: 'endpointslices',
  Ingress: 'ingresses',
  Service: 'services',
} as const;
