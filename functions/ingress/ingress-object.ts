import { z } from 'zod';

const texts = z.record(z.string(), z.string());
const port = z.union([z.int(), z.string()]);

const split = z.object({
  serviceNamespace: z.string().default(''),
  serviceName: z.string().default(''),
  servicePort: port.default(0),
  percent: z.int().default(0),
  appendHeaders: texts.optional(),
});

const path = z.object({
  path: z.string().default(''),
  rewriteHost: z.string().default(''),
  headers: z.record(z.string(), z.object({ exact: z.string() })).optional(),
  splits: z.array(split).nullish(),
  appendHeaders: texts.optional(),
});

const rule = z.object({
  hosts: z.array(z.string()).optional(),
  visibility: z.string().default(''),
  http: z.object({ paths: z.array(path).nullish() }).optional(),
});

const tls = z.object({
  hosts: z.array(z.string()).optional(),
  secretName: z.string().default(''),
  secretNamespace: z.string().default(''),
});

const spec = z.object({
  tls: z.array(tls).optional(),
  rules: z.array(rule).optional(),
  httpOption: z.string().default(''),
});

const condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().optional(),
  severity: z.string().optional(),
});

const loadBalancer = z.object({
  ingress: z.array(z.object({ domainInternal: z.string().optional() })).optional(),
});

const status = z.object({
  observedGeneration: z.int().optional(),
  conditions: z.array(condition).optional(),
  publicLoadBalancer: loadBalancer.optional(),
  privateLoadBalancer: loadBalancer.optional(),
});

/** `networking.internal.knative.dev/v1alpha1` Ingress, as far as it is read; the definition has checked its types. */
export const ingressSchema = z.object({
  metadata: z.object({
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
    generation: z.int(),
    resourceVersion: z.string(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
    annotations: texts.optional(),
  }),
  spec: spec.default({ httpOption: '' }),
  status: status.optional(),
});

/** What Serving wishes of the network for one Route or DomainMapping. */
export type Ingress = z.output<typeof ingressSchema>;

/** The wish itself. */
export type IngressSpec = Ingress['spec'];

/** Paths of one rule. */
export type IngressPath = z.output<typeof path>;

/** A share of a path's requests. */
export type IngressSplit = z.output<typeof split>;

/** One condition of a status; Knative's have no generation of their own. */
export type IngressCondition = z.output<typeof condition>;

/** The collection of all of them. */
export const ingressCollection = '/apis/networking.internal.knative.dev/v1alpha1/ingresses';

/** Path of one, percent-encoded. */
export function ingressPath({ namespace, name }: Ingress['metadata']): string {
  const [group, plural] = ingressCollection.split(/\/(?=[^/]*$)/);
  return `${group}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`;
}

/** `<namespace>/<name>`. */
export function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}

/** Which network layer an Ingress is meant for; of its two spellings Knative reads the first that is there. */
export function classOf({ annotations = {} }: Ingress['metadata']): string | undefined {
  const key = ['networking.knative.dev/ingress.class', 'networking.knative.dev/ingress-class'].find(
    (name) => Object.hasOwn(annotations, name),
  );
  return key === undefined ? undefined : annotations[key];
}
