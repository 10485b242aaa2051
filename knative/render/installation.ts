import { z } from 'zod';
import { catalogue } from '../catalogue.ts';
import { clickHouseUrl } from '../clickhouse-url.ts';
import { httpUrl } from '../http-url.ts';
import { dnsLabel } from '../resources/meta-schemas.ts';
import { accountAnnotations, accountsOf } from './account-settings.ts';
import { admissionSettings } from './admission/settings.ts';
import { agentSettings } from './agent/settings.ts';
import { controlPlaneSettings } from './control-plane/settings.ts';
import { agentTokenSecretOf, tokenSecretOf } from './control-plane/token-secrets.ts';
import { ownSchedulesOf } from './function-table.ts';
import {
  image,
  labelValue,
  objectName,
  registryPath,
  resources,
  secretKey,
  toleration,
} from './installation-values.ts';
import { notificationSettings } from './notification-settings.ts';
import { unsaid } from './setting-words.ts';

const functionNames = catalogue.map(({ name }) => name);
const functionName = z.enum(functionNames);
const imageName = z.enum([...functionNames, 'admission', 'agent', 'control-plane']);
const scheduleNames = catalogue.flatMap(({ name: owner, schedules }) =>
  schedules.filter((each) => !ownSchedulesOf(owner).includes(each)).map(({ name }) => name),
);

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
    resources: resources.exactOptional(),
  })
  .refine(({ minScale = 0, maxScale = Infinity }) => minScale <= maxScale, {
    path: ['minScale'],
    message: 'must not be more than maxScale',
  });

/** Schema of {@link Installation}. An unknown key is an error that names it. */
export const installationSchema = z
  .strictObject({
    /** The functions are Knative Services; else they are all in one process, a Deployment. */
    knative: z.boolean().default(true),
    /** The namespace of everything that is in one; it is a part of the names of what is in none. */
    namespace: dnsLabel.default('clover-system'),
    /** Of Clover: a label of everything. */
    version: labelValue,
    /** Host and path of the images `clover-<name>:<version>`. */
    registry: registryPath.default('dev.local'),
    /** Images of another name than those have. */
    images: z.partialRecord(imageName, image).default({}),
    /** Host, and perhaps path, that stands in place of the registry of each image. */
    registryMirror: registryPath.exactOptional(),
    /** Secrets of the namespace by which images are pulled. */
    pullSecrets: z.array(objectName).default([]),
    /** Annotations of the accounts of pods, by their names, such as those that bind them to an identity of a cloud. */
    serviceAccountAnnotations: accountAnnotations.default({}),
    /** What differs from the defaults, by function. */
    functions: z.partialRecord(functionName, functionSettings).default({}),
    /** The schedules of the catalogue that tick whatever is active, so that what no event told is found all the same. */
    schedules: z.array(z.enum(scheduleNames)).default(scheduleNames),
    /** Minutes between their ticks with Knative: those that divide an hour, as a cron line has it. */
    resyncMinutes: z.literal([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30]).default(10),
    /** Who keeps events that no function could be given, with Knative. Default: `ingest`, in ClickHouse. */
    deadLetters: httpUrl.exactOptional(),
    clickhouse: z.strictObject(
      {
        url: clickHouseUrl(
          'clickhouse.username, clickhouse.passwordSecret and clickhouse.database',
        ),
        username: z.string().min(1).default('default'),
        database: z
          .string()
          .regex(/^\w{1,64}$/, 'must be letters, digits and "_"')
          .default('clover'),
        /** A Secret of the namespace, and the key of the password in it. */
        passwordSecret: secretKey,
      },
      { error: unsaid('{ url, passwordSecret: { name, key } }') },
    ),
    /** Who takes traces and metrics of the functions over OTLP, such as a Collector. Default: nobody; nothing is sent. */
    telemetry: z
      .strictObject({
        endpoint: httpUrl,
        protocol: z.enum(['grpc', 'http/json', 'http/protobuf']).default('http/protobuf'),
      })
      .exactOptional(),
    notifications: notificationSettings,
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
    /** The end of full names of Services. */
    clusterDomain: objectName.default('cluster.local'),
    /** The level that the namespace enforces: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
    podSecurity: z.enum(['privileged', 'baseline', 'restricted']).exactOptional(),
    /** Which ports of the control plane, or of the functions, and of the webhook may be reached, as NetworkPolicies. */
    networkPolicies: z.boolean().default(true),
    controlPlane: controlPlaneSettings,
    agent: agentSettings,
    admission: admissionSettings,
    logLevel: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info'),
  })
  .refine(
    ({ agent, podSecurity = 'privileged' }) => !agent.enabled || podSecurity === 'privileged',
    {
      path: ['podSecurity'],
      message:
        'must be privileged where there are agents (agent.enabled): they load programs into the kernel',
    },
  )
  .superRefine((installation, context) => {
    if (agentTokenSecretOf(installation).name === tokenSecretOf(installation).name) {
      const path = ['agent', 'tokenSecret', 'name'];
      const message =
        'must be another Secret than that of controlPlane.tokenSecret: a node may read all of what its pods mount';
      context.addIssue({ code: 'custom', path, message });
    }
    const accounts = accountsOf(installation);
    for (const name of Object.keys(installation.serviceAccountAnnotations)) {
      if (accounts.includes(name)) continue;
      const path = ['serviceAccountAnnotations', name];
      const message = `must be an account of this installation: ${accounts.join(', ')}`;
      context.addIssue({ code: 'custom', path, message });
    }
  });

/** What one cluster's Clover is made of. */
export type Installation = z.output<typeof installationSchema>;

/** What there are images of. */
export type ImageName = z.output<typeof imageName>;
