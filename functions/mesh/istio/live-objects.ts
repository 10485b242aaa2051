import { z } from 'zod';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from '../../resources/kubernetes/client.ts';
import { list } from '../../resources/kubernetes/list.ts';
import type { Json } from '../envoy/resources.ts';
import { destinationRule, envoyFilter, virtualService, type IstioKind } from './objects.ts';

/** Marks of what Clover made. */
export const mark = {
  managedBy: { label: 'app.kubernetes.io/managed-by', value: 'clover' },
  /** Label with the policy's name. */
  policy: 'clover.dev/policy',
  /** Annotation: counts the writes of a policy's objects. */
  epoch: 'clover.dev/epoch',
  /** Annotation of the routes: what they were made from. */
  basis: 'clover.dev/basis',
  /** Annotation of the routes: SHA-256 of all that the policy is rendered to. */
  hash: 'clover.dev/hash',
  /** Annotation of the routes: uids of succeeded runs whose overlay is given back, sorted. */
  released: 'clover.dev/released',
  /** Annotation of the routes: when they last changed, RFC 3339. */
  changed: 'clover.dev/changed',
} as const;

const texts = z.record(z.string(), z.string()).default({});

const object = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    labels: texts,
    annotations: texts,
    ownerReferences: z.array(z.looseObject({ uid: z.string() })).default([]),
  }),
  spec: z.record(z.string(), z.json()).default({}),
});

/** An object of Istio's as it is. */
export interface LiveObject {
  readonly kind: IstioKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Uids. */
  readonly owners: readonly string[];
  readonly spec: Readonly<Record<string, Json>>;
  /** Key of the policy that Clover made it for; undefined when somebody else made it. */
  readonly policy: string | undefined;
  /** 0 where none can be read. */
  readonly epoch: number;
}

/** An answer of the API as an object. @throws z.ZodError when it is none. */
export function liveObject(kind: IstioKind, answer: unknown): LiveObject {
  const { metadata, spec } = object.parse(answer);
  const { labels, annotations, ownerReferences, namespace, ...identity } = metadata;
  const policy = labels[mark.policy];
  const epoch = Number(annotations[mark.epoch]);
  return {
    ...identity,
    kind,
    namespace,
    annotations,
    owners: ownerReferences.map(({ uid }) => uid),
    spec,
    policy: isOwn(labels) ? `${namespace}/${policy}` : undefined,
    epoch: Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0,
  };
}

/** Whether Clover made an object, by its labels: {@link ownSelector} selects the same. */
export function isOwn(labels: Readonly<Record<string, string>>): boolean {
  return labels[mark.managedBy.label] === mark.managedBy.value && labels[mark.policy] !== undefined;
}

const ownSelector = `${mark.managedBy.label}=${mark.managedBy.value},${mark.policy}`;

/** What {@link readLive} finds. */
export type Live =
  | { readonly objects: readonly LiveObject[] }
  /** The API server does not know Istio's kinds. */
  | { readonly missing: string };

/** All objects that Clover made. */
export async function readLive(client: KubeClient): Promise<Live> {
  try {
    const lists = await Promise.all([
      readOwn(client, virtualService),
      readOwn(client, destinationRule),
      readOwn(client, envoyFilter),
    ]);
    return { objects: lists.flat() };
  } catch (error) {
    if (!(error instanceof CloverError) || error.code !== 'CLV_NOT_FOUND') throw error;
    return { missing: 'the API server knows no VirtualServices: Istio is not installed' };
  }
}

async function readOwn(client: KubeClient, kind: IstioKind): Promise<LiveObject[]> {
  const found: LiveObject[] = [];
  for await (const page of pagesOf(client, kind, ownSelector)) {
    found.push(...page.map((item) => liveObject(kind, item)));
  }
  return found;
}

const pageSize = 500;

/** The objects of a kind, as they are answered: no more than a page is in memory. */
export async function* pagesOf(
  client: KubeClient,
  { apiVersion, plural }: IstioKind,
  labelSelector?: string,
): AsyncGenerator<readonly unknown[], void, void> {
  let next: string | undefined;
  do {
    const page = await list(client, `/apis/${apiVersion}/${plural}`, {
      limit: pageSize,
      ...(labelSelector !== undefined && { labelSelector }),
      ...(next !== undefined && { continue: next }),
    });
    yield page.items;
    next = page.continue;
  } while (next !== undefined);
}
