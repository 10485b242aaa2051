import { Router } from 'express';
import { z } from 'zod';
import { kinds, type AnyResource, type KindInfo } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { readBody } from '../host/read-body.ts';
import { admitDocument } from '../resources/admission.ts';
import { label } from '../resources/stored-resource.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import { flag, parseQuery } from './query.ts';
import { streamWatch } from './watch-stream.ts';

/** What the routes of the resources need. */
export interface ResourceRoutes {
  readonly resources: ResourceStore;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** Aborts every watch. */
  readonly closing: AbortSignal;
}

/** Header of a PUT's answer: `created`, `configured` or `unchanged`. */
const outcomeHeader = 'clover-outcome';

const root = `/apis/${apiVersion}` as const;
const bodyLimit = { bytes: 1024 * 1024 };

const readQuery = z.strictObject({
  watch: flag.optional(),
  resourceVersion: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a number')
    .optional(),
  labelSelector: z.string().optional(),
  fieldSelector: z
    .string()
    .regex(/^metadata\.name=[^,]+$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(500).optional(),
  continue: z.string().optional(),
  timeoutSeconds: z.coerce.number().int().min(1).max(86_400).optional(),
});

const writeQuery = z.strictObject({
  dryRun: z.literal('All').optional(),
  fieldManager: z.string().min(1).max(128).default('api'),
});

const noQuery = z.strictObject({});

interface Target {
  readonly info: KindInfo;
  readonly namespace?: string;
  readonly name?: string;
}

/** Kubernetes-like list, get, watch, apply and delete. */
export function resourceRoutes({ resources, clock, heartbeatMs, closing }: ResourceRoutes): Router {
  const router = Router();

  async function read(request: ApiRequest, response: ApiResponse, target: Target): Promise<void> {
    const query = parseQuery(readQuery, request.query);
    if (query.watch === true) return watch(response, target, query);
    const { info, namespace, name } = target;
    if (name === undefined) {
      const listed = await resources.list(info.kind, namespace);
      const only = query.fieldSelector?.slice('metadata.name='.length);
      const { resourceVersion } = listed;
      const items = listed.items.filter(
        ({ metadata }) => (only ?? metadata.name) === metadata.name,
      );
      const list = { apiVersion, kind: `${info.kind}List`, metadata: { resourceVersion }, items };
      return answer(request, response, resourceVersion, list);
    }
    const object = await demand(info, namespace, name);
    return answer(request, response, object.metadata.resourceVersion, object);
  }

  async function demand(
    { kind }: KindInfo,
    namespace = 'default',
    name = '',
  ): Promise<AnyResource> {
    const object = await resources.get(kind, namespace, name);
    if (object !== undefined) return object;
    throw new CloverError('CLV_NOT_FOUND', `${label(kind, namespace, name)} does not exist`);
  }

  async function watch(
    response: ApiResponse,
    { info: { kind }, namespace, ...target }: Target,
    query: z.output<typeof readQuery>,
  ): Promise<void> {
    const name = target.name ?? query.fieldSelector?.slice('metadata.name='.length);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signals = [gone.signal, closing];
    if (query.timeoutSeconds !== undefined) {
      signals.push(AbortSignal.timeout(query.timeoutSeconds * 1000));
    }
    const signal = AbortSignal.any(signals);
    const listed = query.resourceVersion === undefined ? await resources.list(kind) : undefined;
    const resourceVersion = query.resourceVersion ?? listed?.resourceVersion ?? '0';
    await streamWatch(response, {
      kind,
      resourceVersion,
      events: resources.watch(resourceVersion, { kind, signal }),
      initial: (listed?.items ?? []).map((object) => ({ type: 'ADDED', object })),
      wanted: ({ object: { metadata } }) =>
        (namespace === undefined || metadata.namespace === namespace) &&
        (name === undefined || metadata.name === name),
      signal,
      clock,
      heartbeatMs,
    });
  }

  async function apply(request: ApiRequest, response: ApiResponse, target: Target): Promise<void> {
    const { info, namespace = 'default', name = '' } = target;
    const { dryRun, fieldManager } = parseQuery(writeQuery, request.query);
    demandWritable(info);
    const document = withoutOwnedFields(await readJson(request));
    const { metadata, spec } = admitDocument(info.kind, document);
    demandSame('metadata.name', metadata.name, name);
    demandSame('metadata.namespace', metadata.namespace, namespace);
    const before = await resources.get(info.kind, namespace, name);
    const object = await resources.applySpec(
      { kind: info.kind, metadata, spec },
      { manager: fieldManager, dryRun: dryRun === 'All' },
    );
    response
      .set(outcomeHeader, outcome(before, object))
      .set('ETag', etag(object.metadata.resourceVersion));
    response.status(before === undefined ? 201 : 200).json(object);
  }

  async function remove(request: ApiRequest, response: ApiResponse, target: Target): Promise<void> {
    const { info, namespace = 'default', name = '' } = target;
    parseQuery(noQuery, request.query);
    demandWritable(info);
    response.json(await resources.delete(info.kind, namespace, name));
  }

  for (const { path, scope } of [
    { path: `${root}/namespaces/:namespace/:plural`, scope: 'list' },
    { path: `${root}/namespaces/:namespace/:plural/:name`, scope: 'one' },
    { path: `${root}/:plural`, scope: 'list' },
    { path: `${root}/:plural/:name`, scope: 'one' },
  ]) {
    router.get(path, (request: ApiRequest, response: ApiResponse) =>
      read(request, response, targetOf(request.params)),
    );
    if (scope === 'one') {
      router.put(path, (request: ApiRequest, response: ApiResponse) =>
        apply(request, response, targetOf(request.params)),
      );
      router.delete(path, (request: ApiRequest, response: ApiResponse) =>
        remove(request, response, targetOf(request.params)),
      );
    }
    router.all(path, refuseMethod(scope === 'one' ? 'GET, HEAD, PUT, DELETE' : 'GET, HEAD'));
  }
  return router;
}

function refuseMethod(allowed: string) {
  return ({ method }: ApiRequest, response: ApiResponse): never => {
    response.set('Allow', allowed);
    throw new CloverError(
      'CLV_METHOD_NOT_ALLOWED',
      `${method} is not allowed here, use ${allowed}`,
    );
  };
}

const parameters = z.object({
  plural: z.string(),
  namespace: z.string().optional(),
  name: z.string().optional(),
});

function targetOf(params: unknown): Target {
  const { plural, namespace, name } = parameters.parse(params);
  const info = kinds.find((candidate) => candidate.plural === plural);
  if (info !== undefined) {
    return {
      info,
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    };
  }
  const plurals = kinds.map((kind) => kind.plural);
  const meant = nearest(plural, plurals);
  const hint = meant === undefined ? `there are ${plurals.join(', ')}` : `did you mean "${meant}"?`;
  throw new CloverError('CLV_NOT_FOUND', `no resource "${plural}" in ${apiVersion}: ${hint}`);
}

async function readJson(request: ApiRequest): Promise<unknown> {
  const type = request.headers['content-type'] ?? 'application/json';
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) {
    throw new CloverError('CLV_UNSUPPORTED_MEDIA_TYPE', `found ${type}; send application/json`);
  }
  const body = await readBody(request, bodyLimit);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new CloverError('CLV_ARGUMENT_INVALID', `the body is not JSON: ${String(cause)}`, {
      cause,
    });
  }
}

const ownedMetadata = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'finalizers',
]);
const looseDocument = z.looseObject({ metadata: z.looseObject({}) });

/** So that the output of a read can be edited and applied, as with an API server. */
function withoutOwnedFields(document: unknown): unknown {
  const parsed = looseDocument.safeParse(document);
  if (!parsed.success) return document;
  const { status: _, metadata, ...rest } = parsed.data;
  const kept = Object.entries(metadata).filter(([key]) => !ownedMetadata.has(key));
  return { ...rest, metadata: Object.fromEntries(kept) };
}

function demandWritable({ kind, writable }: KindInfo): void {
  if (writable) return;
  const message = `${kind} is written by Clover alone; users write ${kinds
    .filter((info) => info.writable)
    .map((info) => info.kind)
    .join(', ')}`;
  throw new CloverError('CLV_RESOURCE_INVALID', message, { details: [{ field: 'kind', message }] });
}

function demandSame(field: string, found: string, wanted: string): void {
  if (found === wanted) return;
  const message = `found "${found}"; must be "${wanted}" as in the address`;
  throw new CloverError('CLV_RESOURCE_INVALID', `${field}: ${message}`, {
    details: [{ field, message }],
  });
}

const wish = ({ spec, metadata: { labels, annotations } }: AnyResource): string =>
  canonicalJson({ spec, labels, annotations });

function outcome(before: AnyResource | undefined, after: AnyResource): string {
  if (before === undefined) return 'created';
  return wish(before) === wish(after) ? 'unchanged' : 'configured';
}

const etag = (resourceVersion: string): string => `"${resourceVersion}"`;

/**
 * Not Express's own freshness: it gives way to `Cache-Control: no-cache`, which `fetch` adds to
 * every request that carries If-None-Match.
 */
function answer(
  request: ApiRequest,
  response: ApiResponse,
  resourceVersion: string,
  body: unknown,
): void {
  const tag = etag(resourceVersion);
  response.set('ETag', tag);
  const known = (request.headers['if-none-match'] ?? '').split(',').map((text) => text.trim());
  if (known.some((text) => text === tag || text === `W/${tag}` || text === '*')) {
    response.status(304).end();
    return;
  }
  response.type('json').end(JSON.stringify(body));
}
