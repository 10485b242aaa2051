import type { AnyResource, Kind, KindInfo } from '../../../knative/resources/kinds.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import { CloverError } from '../../lib/errors.ts';
import { parseLabelSelector } from '../../lib/label-selector.ts';
import { label } from '../../resources/stored-resource.ts';
import type { ListOptions, ResourceList, ResourceStore } from '../../resources/store.ts';
import { chooseMediaType } from '../negotiate.ts';
import { kindOperations, type KindOperations, type ListQuery } from '../operations/resources.ts';
import { json, type Reply } from '../reply.ts';
import { route, type Call, type Route } from '../route.ts';
import { createScopeFilter, type Scope } from '../scope-filter.ts';
import { parseFieldSelector } from '../selectors.ts';
import { watchReply, watchTypes, type WatchContext, type WatchSource } from './watch.ts';
import { writeRoutes } from './writes.ts';

/** What the routes of the resources need. */
export interface ResourceRoutes extends WatchContext {
  readonly resources: ResourceStore;
}

/** List, watch, read, apply and delete, of every kind. */
export function resourceRoutes(context: ResourceRoutes): readonly Route[] {
  return kindOperations.flatMap((operations) => kindRoutes(operations, context));
}

function kindRoutes(operations: KindOperations, context: ResourceRoutes): readonly Route[] {
  const { info, listAll, list, read } = operations;
  const { resources } = context;
  return [
    route(listAll, (call) => listReply(info, undefined, call, context)),
    route(list, (call) => listReply(info, call.params.namespace, call, context)),
    route(read, async ({ params: { namespace, name } }) => {
      const object = await resources.get(info.kind, namespace, name);
      if (object === undefined) {
        const message = `${label(info.kind, namespace, name)} does not exist`;
        throw new CloverError('CLV_NOT_FOUND', message);
      }
      return json(object, { etag: etagOf(object) });
    }),
    ...(info.writable ? writeRoutes(operations, resources) : []),
  ];
}

async function listReply(
  info: KindInfo,
  inNamespace: string | undefined,
  { query, headers }: Call<unknown, ListQuery, unknown>,
  context: ResourceRoutes,
): Promise<Reply> {
  const asked = parseFieldSelector(query.fieldSelector, ['metadata.name', 'metadata.namespace']);
  const fields = asked ?? {};
  const namespace = inNamespace ?? fields['metadata.namespace'];
  const scope = {
    kind: info.kind,
    namespace,
    name: fields['metadata.name'],
    // Two wishes that no object can have together.
    none: asked === undefined || namespace !== (fields['metadata.namespace'] ?? namespace),
  };
  if (query.watch === true) {
    const mediaType = chooseMediaType(headers.accept, watchTypes);
    const source = watchSource(context.resources, scope, query.labelSelector);
    return watchReply(source, { query, mediaType, headers }, context);
  }
  chooseMediaType(headers.accept, ['application/json']);
  const options = listOptions(query, scope.name);
  const listed = await context.resources.list(info.kind, namespace, options);
  const page: ResourceList<Kind> = scope.none
    ? { items: [], resourceVersion: listed.resourceVersion }
    : listed;
  const { items, resourceVersion, continue: next, remainingItemCount } = page;
  const metadata = {
    resourceVersion,
    ...(next === undefined ? {} : { continue: next }),
    ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
  };
  const body = { apiVersion, kind: `${info.kind}List`, metadata, items };
  // Later pages carry the version of the first one, but show objects as they are now.
  return json(body, query.continue === undefined ? { etag: `"${resourceVersion}"` } : {});
}

/**
 * The objects of a scope, as a watch reads them.
 * @throws CloverError CLV_ARGUMENT_INVALID for a bad label selector.
 */
export function watchSource(
  resources: Pick<ResourceStore, 'list' | 'watch'>,
  scope: Scope,
  labelSelector = '',
): WatchSource<AnyResource> {
  const { kind, namespace } = scope;
  return {
    apiVersion,
    kind,
    list: () => resources.list(kind, namespace),
    watch: (from, signal) => resources.watch(kind, from, { signal }),
    told: createScopeFilter(scope, parseLabelSelector(labelSelector)),
  };
}

function listOptions(
  { labelSelector, limit, continue: next }: ListQuery,
  name: string | undefined,
): ListOptions {
  return {
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(name === undefined ? {} : { name }),
    ...(limit === undefined ? {} : { limit }),
    ...(next === undefined ? {} : { continue: next }),
  };
}

/** The entity tag of an object: its version. */
export function etagOf({ metadata }: AnyResource): string {
  return `"${metadata.resourceVersion}"`;
}
