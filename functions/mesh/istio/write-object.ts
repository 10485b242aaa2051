import { canonicalJson } from '../../lib/canonical-json.ts';
import { CloverError } from '../../lib/errors.ts';
import type { KubeClient } from '../../resources/kubernetes/client.ts';
import { liveObject, mark, type LiveObject } from './live-objects.ts';
import type { IstioObject } from './objects.ts';

/** Who writes, as managedFields names it. */
const fieldManager = 'clover';

/** No object has it: an apply that names it makes the object, if there is none. */
const noVersion = '1';

/** What is written beside the spec. */
export interface WriteMarks {
  /** Name of the policy. */
  readonly policy: string;
  readonly epoch: number;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The object goes with its policy, by Kubernetes' own garbage collection. */
  readonly owner?: { readonly apiVersion: string; readonly name: string; readonly uid: string };
}

/**
 * Makes an object what is rendered, if it is still the one that was read (undefined: there was none).
 * @throws CloverError CLV_CONFLICT when it is not.
 */
export async function applyObject(
  client: KubeClient,
  { kind, namespace, name, spec }: IstioObject,
  marks: WriteMarks,
  before: LiveObject | undefined,
): Promise<LiveObject> {
  const { owner } = marks;
  const written = {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      name,
      namespace,
      ...(before === undefined
        ? { resourceVersion: noVersion }
        : { resourceVersion: before.resourceVersion, uid: before.uid }),
      labels: { [mark.managedBy.label]: mark.managedBy.value, [mark.policy]: marks.policy },
      annotations: { ...marks.annotations, [mark.epoch]: String(marks.epoch) },
      ...(owner && { ownerReferences: [{ ...owner, kind: 'TrafficPolicy' }] }),
    },
    spec,
  };
  const path = pathOf({ kind, namespace, name });
  const query = { fieldManager, fieldValidation: 'Strict' };
  const applied = liveObject(
    kind,
    await client.call({
      method: 'PATCH',
      path,
      contentType: 'application/apply-patch+yaml',
      query: { ...query, force: 'true' },
      body: written,
    }),
  );
  if (canonicalJson(applied.spec) === canonicalJson(spec)) return applied;
  // Somebody added a field of his own, which an apply leaves alone. The object is Clover's as a whole.
  const { resourceVersion, uid } = applied;
  const metadata = { ...written.metadata, resourceVersion, uid };
  const body = { ...written, metadata };
  return liveObject(kind, await client.call({ method: 'PUT', path, query, body }));
}

/**
 * Deletes an object, if it is still the one that was read. Nothing is said of one that is gone: with its policy Kubernetes
 * itself takes it away.
 * @throws CloverError CLV_CONFLICT when it is another one.
 */
export async function deleteObject(client: KubeClient, object: LiveObject): Promise<void> {
  const { uid, resourceVersion } = object;
  const preconditions = { uid, resourceVersion };
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions,
    propagationPolicy: 'Background',
  };
  try {
    await client.call({ method: 'DELETE', path: pathOf(object), body });
  } catch (error) {
    if (!(error instanceof CloverError) || error.code !== 'CLV_NOT_FOUND') throw error;
  }
}

function pathOf({ kind, namespace, name }: Omit<IstioObject, 'spec'>): string {
  return `/apis/${kind.apiVersion}/namespaces/${namespace}/${kind.plural}/${name}`;
}
