import { z } from 'zod';
import type { Installation } from '../../../knative/render/installation.ts';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';

const reference = z.strictObject({ apiVersion: z.string(), kind: z.string(), name: z.string() });
const sink = z.strictObject({ ref: reference });
const functionSink = sink.extend({ audience: z.string() });
const subscriber = functionSink.extend({ uri: z.string().optional() });
const filter = z.record(z.string(), z.unknown());

/** How objects name a function as the one that events go to: its Service, and whom tokens for it are for. */
export const destination = (name: string, namespace = 'clover-system') => ({
  ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name },
  audience: `serving.knative.dev/service/${namespace}/${name}`,
});

/** What Pod Security asks of a container at its highest level, and a root that nobody writes to. */
export const restricted = {
  runAsNonRoot: true,
  runAsUser: 65_532,
  runAsGroup: 65_532,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** Of a container; a field that nobody here knows is a mistake. */
const container = z.strictObject({
  name: z.string(),
  image: z.string(),
  env: z.array(
    z.strictObject({
      name: z.string(),
      value: z.string().optional(),
      valueFrom: z.unknown().optional(),
    }),
  ),
  ports: z.unknown(),
  readinessProbe: z.unknown(),
  livenessProbe: z.unknown(),
  resources: z.unknown(),
  securityContext: z.unknown(),
  volumeMounts: z.unknown().optional(),
});

/** How the specification of a kind is read. */
export interface Reader<Spec> {
  readonly kind: string;
  readonly schema: z.ZodType<Spec>;
}

const reader = <Spec>(kind: string, schema: z.ZodType<Spec>): Reader<Spec> => ({ kind, schema });

/** What tests read of an object, by its kind. */
export const specs = {
  apiServerSource: reader(
    'ApiServerSource',
    z.strictObject({
      mode: z.string(),
      serviceAccountName: z.string(),
      namespaceSelector: z.unknown(),
      resources: z.array(z.strictObject({ apiVersion: z.string(), kind: z.string() })),
      sink,
    }),
  ),
  broker: reader(
    'Broker',
    z.strictObject({ config: z.unknown().optional(), delivery: z.unknown() }),
  ),
  eventPolicy: reader(
    'EventPolicy',
    z.strictObject({
      to: z.array(sink),
      from: z.array(z.strictObject({ ref: reference.extend({ namespace: z.string() }) })),
      filters: z.array(filter),
    }),
  ),
  pingSource: reader(
    'PingSource',
    z.strictObject({ schedule: z.string(), timezone: z.string(), sink: functionSink }),
  ),
  service: reader(
    'Service',
    z.strictObject({
      template: z.strictObject({
        metadata: z.strictObject({
          labels: z.record(z.string(), z.string()),
          annotations: z.record(z.string(), z.string()),
        }),
        spec: z.strictObject({
          serviceAccountName: z.string(),
          enableServiceLinks: z.literal(false),
          containerConcurrency: z.number(),
          timeoutSeconds: z.number(),
          tolerations: z.unknown().optional(),
          priorityClassName: z.string().optional(),
          containers: z.tuple([container]),
          volumes: z.unknown().optional(),
        }),
      }),
    }),
  ),
  sinkBinding: reader(
    'SinkBinding',
    z.strictObject({ subject: reference.extend({ namespace: z.string() }), sink }),
  ),
  trigger: reader(
    'Trigger',
    z.strictObject({
      broker: z.string(),
      filter: z.strictObject({ attributes: z.record(z.string(), z.string()) }).optional(),
      filters: z.array(filter).optional(),
      subscriber,
      delivery: z.unknown(),
    }),
  ),
} as const;

/** Objects of a kind that an installation gives, as this folder's own schemas read them. */
export function specsOf<Spec>(
  installation: Installation,
  { kind, schema }: Reader<Spec>,
): { readonly object: KubernetesObject; readonly spec: Spec }[] {
  return ofKind(installation, kind).map((object) => ({
    object,
    spec: schema.parse('spec' in object ? object.spec : undefined),
  }));
}

/** Objects of a kind that an installation gives; of Services those of Knative. */
export function ofKind(installation: Installation, kind: string): KubernetesObject[] {
  return renderInstallation(installation).filter(
    (object) => object.kind === kind && !(kind === 'Service' && object.apiVersion === 'v1'),
  );
}
