import { z } from 'zod';
import { kinds, type AnyResource, type Kind, type KindMap } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { CloverError } from '../lib/errors.ts';

const envelope = z.looseObject({
  apiVersion: z.literal(apiVersion),
  kind: z.enum(kinds.map(({ kind }) => kind)),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.int(),
    creationTimestamp: z.string(),
  }),
  spec: z.looseObject({}),
  status: z.looseObject({}),
});

const isResource = (value: unknown): value is AnyResource => envelope.safeParse(value).success;

const hasKind = <K extends Kind>(kind: K, object: AnyResource): object is KindMap[K] =>
  object.kind === kind;

const isLike = <T extends AnyResource>(model: T, object: AnyResource): object is T =>
  object.kind === model.kind;

/**
 * A value that the store or the API gave out, as an object. Spec and status were checked when they
 * were written, so only the envelope is checked here.
 * @throws CloverError CLV_INTERNAL when it is none.
 */
export function anyResource(value: unknown): AnyResource {
  if (isResource(value)) return value;
  throw new CloverError('CLV_INTERNAL', 'found something that is not a Clover resource');
}

/**
 * An object as one of the kind.
 * @throws CloverError CLV_INTERNAL when it is of another kind.
 */
export function ofKind<K extends Kind>(kind: K, object: AnyResource): KindMap[K] {
  if (hasKind(kind, object)) return object;
  throw new CloverError('CLV_INTERNAL', `found the kind ${object.kind} in place of ${kind}`);
}

/**
 * An object as the type of another one.
 * @throws CloverError CLV_INTERNAL when it is of another kind.
 */
export function like<T extends AnyResource>(model: T, object: AnyResource): T {
  if (isLike(model, object)) return object;
  throw new CloverError('CLV_INTERNAL', `found the kind ${object.kind} in place of ${model.kind}`);
}

/** An object in a few words: `TrafficPolicy default/proxy`. */
export function label(kind: Kind, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}
