import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { CloverError, type ErrorDetail } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { KubernetesObject } from '../../knative/render/kubernetes-object.ts';
import { objectPath, placeOf, titleOf, type Place } from './collections.ts';
import { findLive, liveObject, type LiveObject } from './live-object.ts';

/** What became, or would become, of an object. */
export type Change = 'configured' | 'created' | 'deleted' | 'kept' | 'unchanged';

/** An object and what became of it. */
export interface Outcome {
  readonly place: Place;
  readonly change: Change;
  /** Why it is so, where that is not plain. */
  readonly why?: string;
}

/** How objects are applied. */
export interface ApplyHow {
  readonly client: KubeClient;
  /** Take fields that other managers hold. */
  readonly force: boolean;
}

const foreign = 'is there already, and nobody says that it is Clover’s: delete or rename it';

/** The field manager. */
const manager = 'cloverctl';

/** Applies one object, on the server's side. */
export async function applyObject(
  { client, force }: ApplyHow,
  object: KubernetesObject,
): Promise<Outcome> {
  const place = placeOf(object);
  const before = await findLive(client, place);
  const after = await patch(client, object, place, force, undefined);
  return { place, change: changeOf(before, after) };
}

/**
 * What an apply of all of them would do, by the server's own account, as far as it can tell: what would be in a namespace that is not
 * there yet is not asked for, nor is a Service of Knative whose account is not, as Knative tries its pod at once.
 * @throws CloverError CLV_RESOURCE_INVALID, CLV_CONFLICT, CLV_KUBERNETES_FORBIDDEN with what it would refuse, object by object.
 */
export async function planObjects(
  { client, force }: ApplyHow,
  objects: readonly KubernetesObject[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const refused: { readonly detail: ErrorDetail; readonly error: CloverError }[] = [];
  const missing = new Set<string>();
  const missingAccounts = new Set<string>();
  const isBound = boundAmong(objects);
  for (const object of objects) {
    const place = placeOf(object);
    const before = await findLive(client, place);
    const isNew = before === undefined;
    if (isNew && place.kind === 'Namespace') missing.add(place.name);
    if (isNew && place.kind === 'ServiceAccount') missingAccounts.add(place.name);
    if (!isNew && !isOurs(before, place)) {
      const error = new CloverError('CLV_CONFLICT', foreign);
      refused.push({ detail: { field: titleOf(place), message: foreign }, error });
      continue;
    }
    if (missing.has(place.namespace ?? '') || missingAccounts.has(accountOf(object) ?? '')) {
      outcomes.push({ place, change: isNew ? 'created' : 'configured' });
      continue;
    }
    try {
      const after = await patch(client, object, place, force || isBound(object), 'All');
      outcomes.push({ place, change: changeOf(before, after) });
    } catch (error) {
      if (!(error instanceof CloverError)) throw error;
      refused.push({ detail: { field: titleOf(place), message: error.message }, error });
    }
  }
  const [first] = refused;
  if (first === undefined) return outcomes;
  const hint =
    !force && refused.some(({ error }) => isOfFields(error))
      ? '; --force-conflicts takes fields of others'
      : '';
  const message = `the API server would refuse ${refused.length} of ${objects.length} objects, and nothing was changed${hint}`;
  throw new CloverError(first.error.code, message, {
    details: refused.map(({ detail }) => detail),
  });
}

/** A conflict that force would end. */
function isOfFields({ code, message }: CloverError): boolean {
  return code === 'CLV_CONFLICT' && message !== foreign;
}

const binding = z.object({
  kind: z.literal('SinkBinding'),
  spec: z.object({ subject: z.object({ apiVersion: z.string(), name: z.string() }) }),
});

/**
 * Whether an object is a Service of Knative that a SinkBinding among them is for. Eventing writes the sink, and the token for it,
 * into the Service's list of containers, and so owns all of that list, which has no keys: it is to be taken back by force. What
 * Eventing put there is there again within the same request, by its webhook.
 */
export function boundAmong(
  objects: readonly KubernetesObject[],
): (object: KubernetesObject) => boolean {
  const subjects = objects.flatMap((object) => binding.safeParse(object).data?.spec.subject ?? []);
  return ({ apiVersion, kind, metadata: { name } }) =>
    kind === 'Service' &&
    apiVersion.startsWith('serving.knative.dev/') &&
    subjects.some((subject) => subject.apiVersion === apiVersion && subject.name === name);
}

const knativeService = z.object({
  apiVersion: z.string().startsWith('serving.knative.dev/'),
  spec: z.object({ template: z.object({ spec: z.object({ serviceAccountName: z.string() }) }) }),
});

/** The account of the pods of a Service of Knative; of anything else undefined. */
function accountOf(object: KubernetesObject): string | undefined {
  return knativeService.safeParse(object).data?.spec.template.spec.serviceAccountName;
}

/** A namespace may be anybody's; definitions of our own group are ours, whoever brought them. */
function isOurs({ metadata: { labels } }: LiveObject, { kind }: Place): boolean {
  return (
    kind === 'Namespace' ||
    kind === 'CustomResourceDefinition' ||
    labels['app.kubernetes.io/part-of'] === 'clover'
  );
}

/** Who manages a field is no change: what is taken back by force may be what it was. */
function changeOf(before: LiveObject | undefined, after: LiveObject): Change {
  if (before === undefined) return 'created';
  return isDeepStrictEqual(stable(before), stable(after)) ? 'unchanged' : 'configured';
}

/** Without what each write changes, and others at any time. */
function stable({ metadata, status: _status, ...rest }: LiveObject): object {
  const {
    managedFields: _,
    resourceVersion: _version,
    generation: _generation,
    ...kept
  } = metadata;
  return { ...rest, metadata: kept };
}

async function patch(
  client: KubeClient,
  object: KubernetesObject,
  place: Place,
  force: boolean,
  dryRun: 'All' | undefined,
): Promise<LiveObject> {
  return liveObject(
    await client.call({
      method: 'PATCH',
      path: objectPath(place),
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: manager, fieldValidation: 'Strict', force: String(force), dryRun },
      body: object,
    }),
  );
}
