import { z } from 'zod';
import { catalogue } from '../catalogue.ts';
import { dnsLabel } from '../resources/meta.ts';

const functionName = z.enum(catalogue.map(({ name }) => name));
const scheduleNames = catalogue.flatMap(({ schedules }) => schedules.map(({ name }) => name));

/** Names of Secrets, priority classes and the like: RFC 1123 §2.1. */
const objectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'must be lower-case letters, digits, "-" and ".", such as "clickhouse"',
  );

const labelValue = z
  .string()
  .regex(
    /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'must be at most 63 letters, digits, "-", "_" and ".", such as "1.4.0"',
  );

/** https://github.com/distribution/reference: host, path, tag, digest. Serving takes no name of one character. */
const image = z
  .string()
  .regex(
    /^(?!(.*\/)?[a-z0-9](:|@|$))([A-Za-z0-9.-]+(:\d{1,5})?\/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
    'must be an image such as "registry.example/clover/api:1.4.0"',
  );

const quantity = z
  .string()
  .regex(
    /^\d{1,15}(\.\d{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/,
    'must be a quantity of Kubernetes, such as "100m" or "64Mi"',
  );

const amounts = z.strictObject({
  cpu: quantity.exactOptional(),
  memory: quantity.exactOptional(),
});

/** What a user may set of one function; its row in the table of functions has the defaults. */
const functionSettings = z
  .strictObject({
    /** Pods that are always there; 0: none while there is nothing to do. */
    minScale: z.int().min(0).max(1_000).exactOptional(),
    /** Pods at most. */
    maxScale: z.int().min(1).max(1_000).exactOptional(),
    /** Requests in hand in one pod at most; 0: as many as come. */
    containerConcurrency: z.int().min(0).max(1_000).exactOptional(),
    /** In place of the default as a whole. */
    resources: z
      .strictObject({ requests: amounts.exactOptional(), limits: amounts.exactOptional() })
      .exactOptional(),
  })
  .refine(({ minScale = 0, maxScale = Infinity }) => minScale <= maxScale, {
    path: ['minScale'],
    message: 'must not be more than maxScale',
  });

/** A taint that pods bear, as in a pod's specification. */
const toleration = z.strictObject({
  key: z.string().min(1).exactOptional(),
  operator: z.enum(['Exists', 'Equal']).exactOptional(),
  value: z.string().exactOptional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).exactOptional(),
});

/** Schema of {@link Installation}. An unknown key is an error that names it. */
export const installationSchema = z.strictObject({
  /** The namespace of everything that is in one; it is a part of the names of what is in none. */
  namespace: dnsLabel.default('clover-system'),
  /** Of Clover: a label of everything. */
  version: labelValue,
  /** The image of every function. */
  images: z.record(functionName, image),
  /** Host, and perhaps path, that stands in place of the registry of each image. */
  registryMirror: z
    .string()
    .regex(
      /^[A-Za-z0-9.-]+(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
      'must be a host, a port and a path, such as "registry.example:5000/mirror"',
    )
    .exactOptional(),
  /** Secrets of the namespace by which images are pulled. */
  pullSecrets: z.array(objectName).default([]),
  /** What differs from the defaults, by function. */
  functions: z.partialRecord(functionName, functionSettings).default({}),
  /** There is a Tap: agents send spans, and ingest keeps one pod for them. */
  tapped: z.boolean().default(false),
  /** The schedules of the catalogue that tick: a function with ticks is never without a pod. */
  schedules: z.array(z.enum(scheduleNames)).default(scheduleNames),
  /** Where events go that a function could not be given. */
  deadLetters: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }),
  clickhouse: z.strictObject({
    url: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }),
    username: z.string().min(1).default('default'),
    database: z
      .string()
      .regex(/^\w{1,64}$/, 'must be letters, digits and "_"')
      .default('clover'),
    /** A Secret of the namespace, and the key of the password in it. */
    passwordSecret: z.strictObject({
      name: objectName,
      key: z.string().regex(/^[-\w.]{1,253}$/, 'must be letters, digits, "-", "_" and "."'),
    }),
  }),
  /** Default: the class that the cluster has for brokers, with its configuration. */
  broker: z
    .strictObject({
      class: z.string().min(1),
      /** What the class is configured by, such as a ConfigMap of its topics. */
      config: z
        .strictObject({
          apiVersion: z.string().min(1),
          kind: z.string().min(1),
          name: objectName,
          namespace: dnsLabel,
        })
        .exactOptional(),
    })
    .exactOptional(),
  /**
   * Eventing asks senders who they are: `authentication-oidc` in its config-features. Then it is said who may send what;
   * while it does not ask, Knative refuses EventPolicies.
   */
  oidc: z.boolean().default(false),
  /** Needs `kubernetes.podspec-tolerations` in Serving's config-features. */
  tolerations: z.array(toleration).default([]),
  /** Needs `kubernetes.podspec-priorityclassname` in Serving's config-features. */
  priorityClass: objectName.exactOptional(),
  /** The level that the namespace enforces: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
  podSecurity: z.enum(['privileged', 'baseline', 'restricted']).exactOptional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** What one cluster's Clover is made of. */
export type Installation = z.output<typeof installationSchema>;
