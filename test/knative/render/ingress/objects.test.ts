import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { z } from 'zod';
import { healthHost } from '../../../../functions/ingress/routes.ts';
import { readSettings as readEnvironment } from '../../../../functions/ingress/settings.ts';
import { envoyArguments } from '../../../../functions/mesh/envoy/bootstrap.ts';
import { networkLayerObjects } from '../../../../knative/render/ingress/objects.ts';
import { networkLayerSchema } from '../../../../knative/render/ingress/settings.ts';
import { readSettings } from '../../../../knative/render/read-installation.ts';
import { toYaml } from '../../../../knative/render/yaml.ts';

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../../../knative/render/ingress/${name}`, import.meta.url));

const container = z.object({
  image: z.string(),
  command: z.array(z.string()).optional(),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
  ports: z.array(z.object({ containerPort: z.int(), hostPort: z.int().optional() })),
  readinessProbe: z
    .object({ httpGet: z.object({ httpHeaders: z.array(z.object({ value: z.string() })) }) })
    .optional(),
});
const deployment = z.object({
  spec: z.object({
    replicas: z.int(),
    template: z.object({
      spec: z.object({
        initContainers: z.tuple([container]),
        containers: z.tuple([container]),
      }),
    }),
  }),
});

type Input = z.input<typeof networkLayerSchema>;

const rendered = (more: Partial<Input> = {}) =>
  networkLayerObjects(networkLayerSchema.parse({ version: '1.4.0', ...more }));

const containersOf = (more: Partial<Input> = {}) => {
  const { spec } = deployment.parse(rendered(more).find(({ kind }) => kind === 'Deployment'));
  const { initContainers, containers } = spec.template.spec;
  return { controller: initContainers[0], envoy: containers[0] };
};

test('Envoy is started as everywhere, with what the controller writes', (t) => {
  const { controller, envoy } = containersOf({ concurrency: 3 });
  const { ENVOY_FOLDER: folder, ...settings } = readEnvironment(
    Object.fromEntries(controller.env.map(({ name, value }) => [name, value])),
  );
  t.deepEqual(envoy.command, [
    'envoy',
    ...envoyArguments({ bootstrapFile: `${folder}/envoy.json`, concurrency: 3 }),
  ]);
  t.deepEqual(
    envoy.ports.map(({ containerPort }) => containerPort),
    [settings.EXTERNAL_PORT, settings.INTERNAL_PORT],
  );
  t.is(controller.ports[0]?.containerPort, Number(settings.PORT));
  t.is(envoy.readinessProbe?.httpGet.httpHeaders[0]?.value, healthHost);
  t.is(settings.INGRESS_CLASS, 'clover.ingress.networking.knative.dev');
  t.is(settings.POD_NAMESPACE, 'clover-ingress');
});

const images = (more: Partial<Input>): string[] => {
  const { controller, envoy } = containersOf(more);
  return [controller.image, envoy.image];
};

test('images come from the registry, by another name, or from the mirror', (t) => {
  t.deepEqual(images({ registry: 'registry.example/c' }), [
    'registry.example/c/clover-ingress:1.4.0',
    'envoyproxy/envoy:v1.40.0',
  ]);
  t.deepEqual(images({ images: { ingress: 'a.example/own:1', envoy: 'b.example/envoy:2' } }), [
    'a.example/own:1',
    'b.example/envoy:2',
  ]);
  t.deepEqual(images({ registry: 'registry.example/c', registryMirror: 'mirror.example' }), [
    'mirror.example/c/clover-ingress:1.4.0',
    'mirror.example/envoyproxy/envoy:v1.40.0',
  ]);
});

test('a port of the node costs the namespace its Pod Security, and pods go before others come', (t) => {
  t.is(containersOf().envoy.ports[0]?.hostPort, undefined);
  t.is(containersOf({ hostPort: 80 }).envoy.ports[0]?.hostPort, 80);
  const levels = [rendered(), rendered({ hostPort: 80 })].map(
    ([namespace]) => namespace?.metadata.labels['pod-security.kubernetes.io/enforce'],
  );
  t.deepEqual(levels, ['restricted', 'privileged']);
});

test('a port of nodes is of a Service that nodes serve', (t) => {
  const reading = readSettings(
    networkLayerSchema,
    'version: 1.0.0\nservice: { type: ClusterIP, nodePort: 30080 }\n',
  );
  t.deepEqual('problems' in reading ? reading.problems : [], [
    'service.nodePort: is of the types NodePort and LoadBalancer: leave it out, or say service.type',
  ]);
  t.notThrows(() => rendered({ service: { nodePort: 30_080 } }));
});

test('the command prints what is rendered of a file, or names what is wrong with it', (t) => {
  const run = (args: readonly string[], input = '') =>
    spawnSync(process.execPath, [pathOf('main.ts'), ...args], { input, encoding: 'utf8' });
  const example = pathOf('example.yaml');
  const reading = readSettings(networkLayerSchema, readFileSync(example, 'utf8'));
  const { status, stdout } = run([example]);
  t.is(status, 0);
  t.is(stdout, 'settings' in reading ? toYaml(networkLayerObjects(reading.settings)) : '');
  const bad = run(['-'], 'version: 1.0.0\nreplica: 3\n');
  t.is(bad.status, 2);
  t.is(bad.stdout, '');
  t.regex(bad.stderr, /^-: replica: unknown key; did you mean "replicas"\?\n$/);
  t.regex(run([]).stderr, /^usage: npm run --silent render:ingress -- FILE/);
});
