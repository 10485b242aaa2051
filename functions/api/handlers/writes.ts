import { z } from 'zod';
import type { AnyResource } from '../../../knative/resources/kinds.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { CloverError, type ErrorDetail } from '../../lib/errors.ts';
import { excerpt } from '../../lib/excerpt.ts';
import { isRecord } from '../../lib/plain-value.ts';
import { show } from '../../lib/problem-words.ts';
import { withoutOwned } from '../../resources/owned-fields.ts';
import { label } from '../../resources/stored-resource.ts';
import type { ResourceStore } from '../../resources/store.ts';
import { namesTag } from '../negotiate.ts';
import { outcomeHeader, type KindOperations } from '../operations/resources.ts';
import { json } from '../reply.ts';
import { route, type Route } from '../route.ts';

/** Apply and delete, of one kind. */
export function writeRoutes(
  { info, apply, remove }: KindOperations,
  resources: ResourceStore,
): readonly Route[] {
  const { kind } = info;
  return [
    route(apply, async ({ params: { namespace, name }, query, body, headers: asked }) => {
      const { document, wanted, problems } = readDocument(body, { namespace, name });
      // With the schemas of all kinds, which who reads does without.
      const { admitDocument } = await import('../../resources/admission.ts');
      const { metadata, spec } = admitDocument(kind, document, problems);
      const before = await resources.get(kind, namespace, name);
      const held = { if: asked['if-match'], none: asked['if-none-match'] };
      const isTrial = query.dryRun === 'All';
      demandTags(held, before);
      demandVersion(label(kind, namespace, name), wanted, before);
      // What was looked at above has to be there still when it is written.
      const bound =
        held.if !== undefined || held.none !== undefined || wanted.uid !== undefined
          ? (before?.metadata.resourceVersion ?? '')
          : wanted.resourceVersion;
      const object = await resources
        .applySpec(
          { kind, metadata, spec },
          {
            manager: query.fieldManager,
            dryRun: isTrial,
            ...(bound === undefined ? {} : { resourceVersion: bound }),
          },
        )
        .catch(async (error: unknown) => {
          if (isConflict(error)) demandTags(held, await resources.get(kind, namespace, name));
          throw error;
        });
      const headers = { [outcomeHeader]: outcome(before, object) };
      if (before !== undefined) return json(object, { etag: etag(object), headers });
      return isTrial
        ? json(withoutVersion(object), { status: 201, headers })
        : json(object, { status: 201, etag: etag(object), headers });
    }),

    route(remove, async ({ params: { namespace, name }, query, body = {}, headers }) => {
      const { preconditions = {} } = body;
      const before = await resources.get(kind, namespace, name);
      if (before === undefined) {
        throw new CloverError('CLV_NOT_FOUND', `${label(kind, namespace, name)} does not exist`);
      }
      const held = { if: headers['if-match'], none: undefined };
      demandTags(held, before);
      demandVersion(label(kind, namespace, name), preconditions, before);
      if (query.dryRun === 'All' || (body.dryRun ?? []).length > 0) return json(before);
      const {
        resourceVersion = held.if === undefined ? undefined : before.metadata.resourceVersion,
      } = preconditions;
      const { uid } = preconditions;
      const deleted = await resources
        .delete(kind, namespace, name, {
          ...(uid === undefined ? {} : { uid }),
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        })
        .catch(async (error: unknown) => {
          if (isConflict(error)) demandTags(held, await resources.get(kind, namespace, name));
          throw error;
        });
      return json(deleted);
    }),
  ];
}

interface Held {
  readonly if: string | undefined;
  readonly none: string | undefined;
}

interface Wanted {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

const etag = ({ metadata }: AnyResource): string => `"${metadata.resourceVersion}"`;

/** As with an API server: what is not stored has no version. */
function withoutVersion(object: AnyResource): object {
  const { resourceVersion: _none, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const isConflict = (error: unknown): boolean =>
  error instanceof CloverError && error.code === 'CLV_CONFLICT';

/** RFC 9110 §13.1.1 and §13.1.2. @throws CloverError CLV_PRECONDITION_FAILED. */
function demandTags(held: Held, found: AnyResource | undefined): void {
  const tag = found === undefined ? undefined : etag(found);
  const shown = tag ?? 'no such object';
  if (held.if !== undefined && (tag === undefined || !namesTag(held.if, tag, { weak: false }))) {
    throw new CloverError(
      'CLV_PRECONDITION_FAILED',
      `If-Match: ${held.if} does not hold: found ${shown}`,
    );
  }
  if (held.none !== undefined && tag !== undefined && namesTag(held.none, tag, { weak: true })) {
    throw new CloverError(
      'CLV_PRECONDITION_FAILED',
      `If-None-Match: ${held.none} does not hold: found ${shown}`,
    );
  }
}

/** As an API server says it. @throws CloverError CLV_CONFLICT. */
function demandVersion(what: string, wanted: Wanted, found: AnyResource | undefined): void {
  for (const field of ['uid', 'resourceVersion'] as const) {
    const value = wanted[field];
    const is = found?.metadata[field];
    if (value === undefined || value === '' || value === is) continue;
    const [shown, fix, message] =
      is === undefined
        ? ['no such object', `leave ${field} out to create one`, 'there is no such object']
        : [is, 'read it again', `the object has ${is}`];
    const details = [{ field: `metadata.${field}`, message: `found ${show(value)}; ${message}` }];
    const text = `${what}: expected ${field} ${excerpt(value)}, found ${shown}: ${fix}`;
    throw new CloverError('CLV_CONFLICT', text, { details });
  }
}

interface WrittenDocument {
  readonly document: unknown;
  readonly wanted: Wanted;
  /** What only a document at this address has wrong. */
  readonly problems: readonly ErrorDetail[];
}

/**
 * Takes apart what was sent, so that the output of a read can be edited and applied. As with an API server the namespace may
 * be left to the address.
 */
function readDocument(
  body: unknown,
  address: { readonly namespace: string; readonly name: string },
): WrittenDocument {
  const document = withoutOwned(body);
  const given = isRecord(body) ? body['metadata'] : undefined;
  if (!isRecord(document) || !isRecord(given)) return { document, wanted: {}, problems: [] };
  const texts = (['uid', 'resourceVersion'] as const).filter((key) => !isAbsent(given[key]));
  const wanted = Object.fromEntries(texts.map((key) => [key, given[key]]));
  const fields = (['name', 'namespace'] as const).filter((key) => !isAbsent(given[key]));
  return {
    document: isAbsent(given['namespace'])
      ? withMember(
          document,
          'metadata',
          withMember(document['metadata'], 'namespace', address.namespace),
        )
      : document,
    wanted: isWanted(wanted) ? wanted : {},
    problems: [
      ...texts
        .filter((key) => typeof given[key] !== 'string')
        .map((key) => ({
          field: `metadata.${key}`,
          message: `found ${show(given[key])}; expected string`,
        })),
      ...fields
        .filter((key) => typeof given[key] === 'string' && given[key] !== address[key])
        .map((key) => ({
          field: `metadata.${key}`,
          message: `found ${show(given[key])}; must be "${address[key]}" as in the address`,
        })),
    ],
  };
}

const identity = z.object({ uid: z.string().optional(), resourceVersion: z.string().optional() });
const isWanted = (value: unknown): value is Wanted => identity.safeParse(value).success;

/** As in Kubernetes, null and the empty text are as good as nothing. */
const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === '';

// By entries: a copy by spreading would lose a key such as `__proto__` unseen.
const withMember = (record: unknown, key: string, value: unknown): unknown =>
  isRecord(record) ? Object.fromEntries([...Object.entries(record), [key, value]]) : record;

const wish = ({ spec, metadata: { labels, annotations } }: AnyResource): string =>
  canonicalJson({ spec, labels, annotations });

function outcome(before: AnyResource | undefined, after: AnyResource): string {
  if (before === undefined) return 'created';
  return wish(before) === wish(after) ? 'unchanged' : 'configured';
}
