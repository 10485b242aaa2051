import fc from 'fast-check';
import type { z } from 'zod';
import { catalogue } from '../../../knative/catalogue.ts';
import { notificationReasons } from '../../../knative/events.ts';
import { installationSchema, type Installation } from '../../../knative/render/installation.ts';
import {
  resources as resourcesSchema,
  toleration as tolerationSchema,
} from '../../../knative/render/installation-values.ts';

/** An installation as its owner writes it. */
export type InstallationInput = z.input<typeof installationSchema>;

const functionNames = catalogue.map(({ name }) => name);

/** The least that has to be said. */
export const leastInstallation: InstallationInput = {
  version: '1.4.0',
  images: Object.fromEntries(
    functionNames.map((name) => [name, `registry.example/clover/${name}:1.4.0`]),
  ),
  clickhouse: {
    url: 'http://clickhouse.example:8123',
    passwordSecret: { name: 'clickhouse', key: 'password' },
  },
};

/** The least installation with something else said. */
export function installationOf(changes: Partial<InstallationInput>): Installation {
  return installationSchema.parse({ ...leastInstallation, ...changes });
}

const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,12}[a-z0-9])?$/);
const text = fc.string({ minLength: 1, unit: 'binary' });
const quantity = fc.stringMatching(/^[1-9]\d{0,3}(m|Ki|Mi|Gi)?$/);
const amounts = fc.record({ cpu: quantity, memory: quantity }, { requiredKeys: [] });
const resources = fc
  .record({ requests: amounts, limits: amounts }, { requiredKeys: [] })
  .filter((all) => resourcesSchema.safeParse(all).success);
const url = fc.webUrl({ validSchemes: ['http', 'https'] });
const image = fc.stringMatching(
  /^([a-z]{1,8}\.example(:\d{2,4})?\/)?[a-z0-9]{2,8}(\/[a-z0-9]{2,8})?:[a-z0-9]{1,8}$/,
);

const functionSettings = fc
  .record(
    {
      minScale: fc.integer({ min: 0, max: 9 }),
      maxScale: fc.integer({ min: 1, max: 9 }),
      containerConcurrency: fc.integer({ min: 0, max: 1_000 }),
      resources,
    },
    { requiredKeys: [] },
  )
  .filter(({ minScale = 0, maxScale = 9 }) => minScale <= maxScale);

const toleration = fc
  .record(
    {
      key: name,
      operator: fc.constantFrom('Exists' as const, 'Equal' as const),
      value: name,
      effect: fc.constantFrom('NoSchedule' as const, 'NoExecute' as const),
    },
    { requiredKeys: [] },
  )
  .filter((one) => tolerationSchema.safeParse(one).success);

/** What may be said of an installation beside its version: anything that it takes. */
export const installationInput: fc.Arbitrary<Partial<InstallationInput>> = fc.record(
  {
    namespace: name,
    images: fc.record(Object.fromEntries(functionNames.map((key) => [key, image]))),
    registryMirror: fc.stringMatching(/^[a-z]{1,8}(\.example)?(:\d{2,4})?(\/[a-z]{1,8})?$/),
    pullSecrets: fc.array(name, { maxLength: 2 }),
    functions: fc.record(Object.fromEntries(functionNames.map((key) => [key, functionSettings])), {
      requiredKeys: [],
    }),
    schedules: fc.subarray(
      catalogue
        .flatMap(({ schedules }) => schedules.map((schedule) => schedule.name))
        .filter((schedule) => schedule.endsWith('-resync')),
    ),
    resyncMinutes: fc.constantFrom(1 as const, 30 as const),
    deadLetters: url,
    clickhouse: fc.record({
      url: url.map((full) => new URL(full).origin),
      username: text,
      database: fc.stringMatching(/^\w{1,64}$/),
      passwordSecret: fc.record({ name, key: fc.stringMatching(/^[-\w.]{1,9}$/) }),
    }),
    broker: fc.record(
      {
        class: text,
        config: fc.record({
          apiVersion: fc.constant('v1'),
          kind: fc.constant('ConfigMap'),
          name,
          namespace: name,
        }),
      },
      { requiredKeys: ['class'] },
    ),
    telemetry: fc.record(
      { endpoint: url, protocol: fc.constantFrom('grpc' as const, 'http/protobuf' as const) },
      { requiredKeys: ['endpoint'] },
    ),
    notifications: fc.uniqueArray(
      fc.record(
        {
          url,
          signingSecret: fc.record({ name, key: fc.stringMatching(/^[-\w.]{1,9}$/) }),
          types: fc.subarray([...notificationReasons], { minLength: 1 }),
        },
        { requiredKeys: ['url'] },
      ),
      { maxLength: 2, selector: (webhook) => webhook.url },
    ),
    oidc: fc.boolean(),
    tolerations: fc.array(toleration, { maxLength: 2 }),
    priorityClass: name,
    podSecurity: fc.constant('privileged' as const),
    networkPolicies: fc.boolean(),
    clusterDomain: fc.constantFrom('cluster.local', 'k8s.example'),
    agent: fc.record(
      {
        enabled: fc.boolean(),
        nodeSelector: fc.dictionary(name, name, { maxKeys: 2 }),
        tolerations: fc.array(toleration, { maxLength: 2 }),
        priorityClass: name,
        untapped: fc.array(name, { maxLength: 2 }),
        spoolSize: fc.stringMatching(/^[1-9]\d{1,3}Mi$/),
        metricsPort: fc.integer({ min: 1, max: 65_535 }),
        tokenSecret: fc.record({
          name: name.map((start) => `${start}-of-agents`),
          key: fc.stringMatching(/^[-\w.]{1,9}$/),
        }),
      },
      { requiredKeys: [] },
    ),
    controlPlane: fc.record(
      {
        persistent: fc.boolean(),
        storageClass: name,
        tokenSecret: fc.record({ name, key: fc.stringMatching(/^[-\w.]{1,9}$/) }),
      },
      { requiredKeys: [] },
    ),
    logLevel: fc.constantFrom('debug' as const, 'warn' as const),
  },
  { requiredKeys: [] },
);
