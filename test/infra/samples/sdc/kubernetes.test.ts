import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { durationMs } from '../../../../functions/lib/duration.ts';
import { schemasOf } from '../../../../knative/resources/kind-schemas.ts';
import { trafficPolicySpec } from '../../../../knative/resources/traffic-policy.ts';
import { loadPlan } from '../../../../infra/samples/sdc/load-report.ts';
import { webPage } from '../../../../infra/samples/sdc/nginx-config.ts';
import { sdcNamespace, sdcPods, sdcPort } from '../../../../infra/samples/sdc/topology.ts';

const folder = new URL('../../../../infra/samples/sdc/kubernetes/', import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, folder), 'utf8');
const labels = z.record(z.string(), z.string());
const pod = z.object({ metadata: z.object({ labels }), spec: z.looseObject({}) });

const document = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('Deployment'),
    metadata: z.object({ name: z.string(), namespace: z.literal(sdcNamespace) }),
    spec: z.object({
      replicas: z.int(),
      selector: z.object({ matchLabels: labels }),
      template: pod,
    }),
  }),
  z.object({
    kind: z.literal('Service'),
    metadata: z.object({ name: z.string(), namespace: z.literal(sdcNamespace) }),
    spec: z.object({
      selector: labels,
      ports: z.array(
        z.object({ name: z.literal('http'), port: z.int(), appProtocol: z.literal('http') }),
      ),
    }),
  }),
  z.object({
    kind: z.literal('ConfigMap'),
    metadata: z.object({ name: z.string(), namespace: z.literal(sdcNamespace) }),
    data: labels,
  }),
  z.object({
    kind: z.literal('Namespace'),
    metadata: z.object({ name: z.literal(sdcNamespace), labels }),
  }),
  z.object({
    kind: z.literal('PeerAuthentication'),
    metadata: z.object({ name: z.string(), namespace: z.literal(sdcNamespace) }),
    spec: z.strictObject({
      mtls: z.object({ mode: z.literal('STRICT') }),
      selector: z.object({ matchLabels: labels }).optional(),
      portLevelMtls: z.record(z.string(), z.object({ mode: z.string() })).optional(),
    }),
  }),
]);
type Document = z.output<typeof document>;

function read(path: string): Document[] {
  return parseAllDocuments(text(path)).map((each) => document.parse(each.toJS()));
}

const first = z
  .object({ resources: z.array(z.string()) })
  .parse(parse(text('kustomization.yaml'))).resources;
const all = [
  ...first,
  ...readdirSync(new URL('versions/', folder)).map((name) => `versions/${name}`),
].flatMap(read);

test('the Deployments are the pods of the sample, with their labels', (t) => {
  const served = Object.values(sdcPods).filter(({ name }) => name !== 'client');
  const wanted = new Map<string, number>();
  for (const one of served) {
    const version = 'version' in one ? one.version : '';
    const key = `${one.app} ${version}`.trimEnd();
    wanted.set(key, (wanted.get(key) ?? 0) + 1);
  }
  const found = all.flatMap((each) => {
    if (each.kind !== 'Deployment') return [];
    const { replicas, selector, template } = each.spec;
    t.deepEqual(selector.matchLabels, template.metadata.labels);
    const { 'app.kubernetes.io/name': app, 'app.kubernetes.io/version': version = '' } =
      template.metadata.labels;
    const key = `${app} ${version}`.trimEnd();
    return [[key, replicas] as const];
  });
  t.deepEqual(Object.fromEntries(found), Object.fromEntries(wanted));
});

test('between its pods all is encrypted; clients from outside come in at the port of the gateway alone', (t) => {
  const found = all.filter((each) => each.kind === 'PeerAuthentication');
  t.deepEqual(
    found.map(({ spec: { selector, portLevelMtls } }) => ({ selector, portLevelMtls })),
    [
      { selector: undefined, portLevelMtls: undefined },
      {
        selector: { matchLabels: { 'app.kubernetes.io/name': 'gateway' } },
        portLevelMtls: { [sdcPort]: { mode: 'DISABLE' } },
      },
    ],
  );
});

test('each Service has the pods of its name, at the port of the sample', (t) => {
  const services = all.filter((each) => each.kind === 'Service');
  t.deepEqual(services.map(({ metadata }) => metadata.name).toSorted(), [
    'gateway',
    'lb',
    'proxy',
    'web',
  ]);
  for (const { metadata, spec } of services) {
    t.deepEqual(spec.selector, { 'app.kubernetes.io/name': metadata.name });
    t.deepEqual(
      spec.ports.map(({ port }) => port),
      [sdcPort],
    );
  }
});

test('the page is that of the sample on one machine', (t) => {
  const web = all.find((each) => each.kind === 'ConfigMap' && each.metadata.name === 'web');
  t.is(web?.kind === 'ConfigMap' ? web.data['index.html'] : undefined, webPage);
});

test('the client asks the gateway', (t) => {
  const job = z.object({
    spec: z.object({
      template: z.object({
        spec: z.object({ containers: z.tuple([z.object({ args: z.tuple([z.string()]) })]) }),
      }),
    }),
  });
  const { args } = job.parse(parse(text('client.yaml'))).spec.template.spec.containers[0];
  const { host, port } = loadPlan.parse(JSON.parse(args[0]));
  t.deepEqual({ host, port }, { host: 'gateway', port: sdcPort });
});

for (const file of readdirSync(new URL('policies/', folder))) {
  test(`${file} is that of one machine, with pods in place of addresses`, (t) => {
    const own: unknown = parse(text(`policies/${file}`));
    const schema = schemasOf.TrafficPolicy.document;
    t.deepEqual(schema?.safeParse(own).error?.issues, undefined);
    const policy = z.looseObject({ spec: trafficPolicySpec });
    const { spec } = policy.parse(own);
    const there = policy.parse(parse(text(`../manifests/${file}`))).spec;
    t.deepEqual(spec.rules, there.rules);
    t.deepEqual(spec.target, { host: 'proxy', port: sdcPort });
    t.deepEqual(
      spec.versions,
      there.versions.map(({ name }) => ({
        name,
        labels: { 'app.kubernetes.io/name': 'proxy', 'app.kubernetes.io/version': name },
      })),
    );
  });
}

const withDeadline = z.looseObject({ spec: z.looseObject({ deadline: z.string() }) });

for (const file of readdirSync(new URL('experiments/', folder))) {
  test(`${file} is that of one machine, with more time`, (t) => {
    const own: unknown = parse(text(`experiments/${file}`));
    const experiment = schemasOf.Experiment.document;
    t.deepEqual(experiment?.safeParse(own).error?.issues, undefined);
    const { deadline, ...rest } = withDeadline.parse(own).spec;
    const { deadline: there, ...others } = withDeadline.parse(
      parse(text(`../manifests/${file}`)),
    ).spec;
    t.deepEqual(rest, others);
    t.true(durationMs(deadline) > durationMs(there));
  });
}
