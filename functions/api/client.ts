import { kinds, type AnyResource, type Kind, type KindMap } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import type { RedRow, StoredArmRow, TimeWindow } from '../analytics/store.ts';
import type { Look, MergedCell } from '../evaluate/evidence-store.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { anyResource, ofKind } from '../resources/stored-resource.ts';
import type { ResourceEvent } from '../resources/store.ts';
import { followWatch } from './client-watch.ts';
import { lookRows, redRows, resourceList, storedArmRows, totalRows } from './responses.ts';
import { createTransport, type TransportOptions } from './transport.ts';

/** A whole document to apply. */
export interface ApplyDocument {
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
}

/** What an apply did. */
export interface ApplyResult {
  readonly object: AnyResource;
  readonly outcome: 'configured' | 'created' | 'unchanged';
}

/** The control plane's API, typed. Every method throws the server's CloverError. */
export interface ApiClient {
  /** The object, or undefined. */
  get<K extends Kind>(kind: K, namespace: string, name: string): Promise<KindMap[K] | undefined>;
  /** All objects of a kind, of one namespace if given. */
  list<K extends Kind>(
    kind: K,
    namespace?: string,
  ): Promise<{ readonly items: readonly KindMap[K][]; readonly resourceVersion: string }>;
  /** First what there is, as ADDED, then every change; goes on after a restart of the server. */
  watch(
    kind: Kind,
    options: {
      readonly namespace?: string | undefined;
      readonly name?: string | undefined;
      readonly signal: AbortSignal;
    },
  ): AsyncIterable<ResourceEvent>;
  /** Creates or replaces the object that the document names; the server checks all of it. */
  apply(
    document: ApplyDocument,
    options?: { readonly manager?: string; readonly dryRun?: boolean },
  ): Promise<ApplyResult>;
  /** The deleted object; it has a deletionTimestamp while finalizers remain. */
  delete(kind: Kind, namespace: string, name: string): Promise<AnyResource>;
  /** Requests, errors, latency; of the last five minutes if no window is given. */
  red(window?: TimeWindow): Promise<readonly RedRow[]>;
  /** Evidence per second and stamp; of the last five minutes if no window is given. */
  evidenceTotals(window?: TimeWindow): Promise<readonly Omit<MergedCell, 'histogram'>[]>;
  /** Stored spans per stamp; of the last five minutes if no window is given. */
  storedArms(window?: TimeWindow): Promise<readonly StoredArmRow[]>;
  /** Looks of a run, oldest first. */
  looks(namespace: string, run: string): Promise<readonly Look[]>;
  /** Counters of every part. */
  status(): Promise<unknown>;
}

/** Where the control plane is. */
export interface ApiClientOptions {
  /** For example `http://127.0.0.1:7700`. */
  readonly url: string;
  readonly token: string;
  /** Times the pauses of a watch that reconnects. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Ends every request and watch. */
  readonly signal?: AbortSignal;
}

/** Speaks to one control plane over HTTP. */
export function createApiClient({
  url,
  token,
  clock = systemClock,
  signal: always,
}: ApiClientOptions): ApiClient {
  const transport = createTransport({ url, token, signal: always });

  async function json(path: string, options?: TransportOptions): Promise<unknown> {
    return (await transport.send(path, options)).json();
  }

  async function list<K extends Kind>(
    kind: K,
    namespace?: string,
    name?: string,
    signal?: AbortSignal,
  ): Promise<{ items: KindMap[K][]; resourceVersion: string }> {
    const { items, metadata } = resourceList.parse(await json(pathOf(kind, namespace), { signal }));
    const objects = items.map((item) => ofKind(kind, anyResource(item)));
    return {
      items: objects.filter((object) => name === undefined || object.metadata.name === name),
      resourceVersion: metadata.resourceVersion,
    };
  }

  return {
    async get(kind, namespace, name) {
      try {
        return ofKind(kind, anyResource(await json(pathOf(kind, namespace, name))));
      } catch (error) {
        if (error instanceof CloverError && error.code === 'CLV_NOT_FOUND') return undefined;
        throw error;
      }
    },

    list: (kind, namespace) => list(kind, namespace),

    watch(kind, { name, signal, ...options }) {
      const namespace = options.namespace ?? (name === undefined ? undefined : 'default');
      return followWatch(transport, clock, {
        kind,
        signal,
        list: () => list(kind, namespace, name, signal),
        path: (version) => `${pathOf(kind, namespace, name)}?watch=true&resourceVersion=${version}`,
      });
    },

    async apply(document, { manager = 'client', dryRun = false } = {}) {
      const { name, namespace = 'default' } = document.metadata;
      const query = new URLSearchParams({
        fieldManager: manager,
        ...(dryRun ? { dryRun: 'All' } : {}),
      });
      const path = `${pathOf(document.kind, namespace, name)}?${query.toString()}`;
      const response = await transport.send(path, { method: 'PUT', body: document });
      const outcome = response.headers.get('clover-outcome');
      return {
        object: anyResource(await response.json()),
        outcome: outcome === 'created' || outcome === 'unchanged' ? outcome : 'configured',
      };
    },

    delete: async (kind, namespace, name) =>
      anyResource(await json(pathOf(kind, namespace, name), { method: 'DELETE' })),

    red: async (window) => redRows.parse(await json(`/v1/questions/red${queryOf(window)}`)).rows,

    evidenceTotals: async (window) =>
      totalRows.parse(await json(`/v1/evidence/totals${queryOf(window)}`)).rows,

    storedArms: async (window) =>
      storedArmRows.parse(await json(`/v1/stored-arms${queryOf(window)}`)).rows,

    looks: async (namespace, run) =>
      lookRows.parse(await json(`/v1/runs/${segment(namespace)}/${segment(run)}/looks`)).rows,

    status: () => json('/v1/status'),
  };
}

const segment = encodeURIComponent;

function pathOf(kind: Kind, namespace?: string, name?: string): string {
  const plural = kinds.find((info) => info.kind === kind)?.plural ?? kind;
  const scope = namespace === undefined ? '' : `/namespaces/${segment(namespace)}`;
  return `/apis/${apiVersion}${scope}/${plural}${name === undefined ? '' : `/${segment(name)}`}`;
}

function queryOf(window: TimeWindow | undefined): string {
  return window === undefined ? '' : `?from=${window.from}&to=${window.to}`;
}
