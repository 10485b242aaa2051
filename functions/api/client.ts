import {
  kubernetesEvent,
  kubernetesEventList,
  type KubernetesEvent,
} from '../../knative/kubernetes-event.ts';
import type { AnyResource, Kind, KindMap } from '../../knative/resources/kinds.ts';
import type { RedGrouping, RedRow, StoredArmRow, TimeWindow } from '../analytics/store.ts';
import type { Look, MergedCell } from '../evidence/evidence-store.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import type { RecordChange } from '../records/event-recorder.ts';
import { anyResource, ofKind } from '../resources/stored-resource.ts';
import type { Preconditions, ResourceEvent, ResourceList } from '../resources/store.ts';
import { brokerClient, type BrokerClient } from './client-broker.ts';
import { followStream } from './client-follow.ts';
import { found } from './client-found.ts';
import { listOf } from './client-list.ts';
import {
  listQuery,
  pathOf,
  precondition,
  queryText,
  recordsPath,
  segment,
  windowQuery,
  type PageQuery,
  type RecordRequest,
  type Selection,
} from './client-paths.ts';
import { plannedResource } from './client-planned.ts';
import { followWatch } from './client-watch.ts';
import { liveView, type LiveView } from './schemas/live.ts';
import {
  lookRows,
  redRows,
  status,
  storedArmRows,
  totalRows,
  type RedAnswer,
} from './schemas/questions.ts';
import type { Status } from './schemas/questions.ts';
import { serverVersion, type ServerVersion } from './schemas/version.ts';
import { createTransport, type TransportOptions, type TransportTarget } from './transport.ts';

/** A whole document to apply. With a `metadata.resourceVersion` it is applied to that version only. */
export interface ApplyDocument {
  readonly kind: Kind;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly resourceVersion?: string | undefined;
  };
}

/** Options of {@link ApiClient.apply}. */
export interface ApplyRequest {
  /** Who writes, as in server-side apply. Default: `client`. */
  readonly manager?: string;
  /** The server checks all of it, and stores nothing. */
  readonly dryRun?: boolean;
  /** Only if the object has this resource version still; the empty text: only if there is none. */
  readonly ifVersion?: string;
}

/** What an apply did. */
export interface ApplyResult {
  readonly object: AnyResource;
  readonly outcome: 'configured' | 'created' | 'unchanged';
}

/** The control plane's API, typed. Every method throws the server's CloverError. */
export interface ApiClient extends BrokerClient {
  /** The object, or undefined. */
  get<K extends Kind>(kind: K, namespace: string, name: string): Promise<KindMap[K] | undefined>;
  /**
   * The objects of a kind, of one namespace if given: all of them, or one page.
   * @throws CloverError CLV_RESOURCE_GONE when `continue` is too old: list again from the start.
   */
  list<K extends Kind>(kind: K, namespace?: string, query?: PageQuery): Promise<ResourceList<K>>;
  /** Every page of a list, one after the other; `limit` is the size of each. */
  pages<K extends Kind>(
    kind: K,
    namespace?: string,
    query?: Omit<PageQuery, 'continue'>,
  ): AsyncIterable<ResourceList<K>>;
  /** First what there is, as ADDED, then every change; goes on after a restart of the server. */
  watch(
    kind: Kind,
    options: Selection & {
      readonly namespace?: string | undefined;
      readonly signal: AbortSignal;
      /** What the caller has seen: the watch begins with what has changed of it. */
      readonly known?: readonly AnyResource[];
    },
  ): AsyncIterable<ResourceEvent, void, void>;
  /**
   * Creates or replaces the object that the document names; the server checks all of it.
   * @throws CloverError CLV_PRECONDITION_FAILED by `ifVersion`; CLV_CONFLICT by the document's own
   * `metadata.resourceVersion`.
   */
  apply(document: ApplyDocument, options?: ApplyRequest): Promise<ApplyResult>;
  /**
   * The deleted object; it has a deletionTimestamp while finalizers remain.
   * @throws CloverError CLV_CONFLICT when it is not what the preconditions say.
   */
  delete(
    kind: Kind,
    namespace: string,
    name: string,
    options?: Preconditions & { readonly dryRun?: boolean },
  ): Promise<AnyResource>;
  /** Requests, errors, latency; of the last five minutes, and by version, if nothing else is asked for. */
  red(window?: TimeWindow, by?: RedGrouping): Promise<readonly RedRow[]>;
  /** Requests, errors, latency of the last milliseconds, by the clock of the server, and which window that is. */
  redLast(ms: number, by?: RedGrouping): Promise<RedAnswer>;
  /** Evidence per second and stamp; of the last five minutes if no window is given. */
  evidenceTotals(window?: TimeWindow): Promise<readonly Omit<MergedCell, 'histogram'>[]>;
  /** Stored spans per stamp; of the last five minutes if no window is given. */
  storedArms(window?: TimeWindow): Promise<readonly StoredArmRow[]>;
  /** Looks of a run, oldest first. */
  looks(namespace: string, run: string): Promise<readonly Look[]>;
  /** The versions of the server. */
  version(): Promise<ServerVersion>;
  /** Counters of every part: part → name → value. */
  status(): Promise<Status>;
  /** Records of what happened to objects, newest first; one page, at most 500. */
  events(query?: RecordRequest): Promise<readonly KubernetesEvent[]>;
  /**
   * First what {@link ApiClient.events} gives, the oldest first, as ADDED, and then every record that is written; goes
   * on after a restart of the server. MODIFIED: it was seen again.
   */
  watchEvents(
    query: Omit<RecordRequest, 'limit'>,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<RecordChange>;
  /** Everything that moves, once a second; goes on after a restart of the server. */
  live(options: { readonly signal: AbortSignal }): AsyncIterable<LiveView>;
  /** The OpenAPI 3.1 document of the server. */
  openapi(): Promise<unknown>;
  /** The server's metrics in Prometheus' text format. */
  metrics(): Promise<string>;
}

/** Where the control plane is. */
export interface ApiClientOptions extends Pick<TransportTarget, 'fetch'> {
  /** For example `http://127.0.0.1:7700`. */
  readonly url: string;
  readonly token: string;
  /** Times the pauses of a watch that reconnects. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Ends every request and watch. */
  readonly signal?: AbortSignal;
  /** Longest time until an answer is there, in milliseconds; 0 is no limit, and streams have none. Default: 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Said where the token is missing or wrong: how to give the right one. */
  readonly tokenHelp?: string;
}

const largestPage = 500;
const usualTimeoutMs = 30_000;

/** Speaks to one control plane over HTTP. */
export function createApiClient({
  clock = systemClock,
  timeoutMs = usualTimeoutMs,
  tokenHelp = 'give that of the control plane',
  ...target
}: ApiClientOptions): ApiClient {
  const transport = createTransport({ ...target, tokenHelp, timeoutMs });

  const ask = async <T>(
    path: string,
    read: (body: unknown) => T,
    options?: TransportOptions,
  ): Promise<T> => (await transport.send(path, options)).json(read);

  async function list<K extends Kind>(
    kind: K,
    namespace: string | undefined,
    query: PageQuery,
    until?: AbortSignal,
  ): Promise<ResourceList<K>> {
    const path = pathOf(kind, namespace) + listQuery(query);
    const read = (body: unknown): ResourceList<K> => listOf(kind, body);
    return ask(path, read, { signal: until });
  }

  return {
    ...brokerClient(transport, clock),

    get: (kind, namespace, name) =>
      found(ask(pathOf(kind, namespace, name), (body) => ofKind(kind, anyResource(body)))),

    list: (kind, namespace, query = {}) => list(kind, namespace, query),

    async *pages(kind, namespace, { limit = largestPage, ...selection } = {}) {
      let next: string | undefined;
      do {
        const page = await list(kind, namespace, { limit, continue: next, ...selection });
        yield page;
        next = page.continue;
      } while (next !== undefined);
    },

    watch(kind, { name, labelSelector, fieldSelector, signal: until, ...options }) {
      const namespace = options.namespace ?? (name === undefined ? undefined : 'default');
      const selection = { name, labelSelector, fieldSelector };
      return followWatch(transport, clock, {
        read: anyResource,
        signal: until,
        known: options.known,
        list: () => list(kind, namespace, selection, until),
        path: (resourceVersion) =>
          pathOf(kind, namespace) + listQuery(selection, { watch: 'true', resourceVersion }),
      });
    },

    async apply(document, { manager = 'client', dryRun = false, ifVersion } = {}) {
      const { name, namespace = 'default' } = document.metadata;
      const query = queryText({ fieldManager: manager, dryRun: dryRun ? 'All' : undefined });
      const answer = await transport.send(pathOf(document.kind, namespace, name) + query, {
        method: 'PUT',
        body: document,
        headers: precondition(ifVersion),
      });
      const outcome = answer.headers.get('clover-outcome');
      return {
        object: answer.json(dryRun ? plannedResource : anyResource),
        outcome: outcome === 'created' || outcome === 'unchanged' ? outcome : 'configured',
      };
    },

    delete: (kind, namespace, name, { dryRun = false, ...preconditions } = {}) =>
      ask(
        pathOf(kind, namespace, name) + queryText({ dryRun: dryRun ? 'All' : undefined }),
        anyResource,
        {
          method: 'DELETE',
          ...(Object.keys(preconditions).length === 0 ? {} : { body: { preconditions } }),
        },
      ),

    red: (asked, by) =>
      ask(`/v1/questions/red${queryText({ ...asked, by })}`, (body) => redRows.parse(body).rows),

    redLast: (ms, by) =>
      ask(`/v1/questions/red${queryText({ last: `${ms}ms`, by })}`, (body) => redRows.parse(body)),

    evidenceTotals: (asked) =>
      ask(`/v1/evidence/totals${windowQuery(asked)}`, (body) => totalRows.parse(body).rows),

    storedArms: (asked) =>
      ask(`/v1/stored-arms${windowQuery(asked)}`, (body) => storedArmRows.parse(body).rows),

    looks: (namespace, run) =>
      ask(
        `/v1/runs/${segment(namespace)}/${segment(run)}/looks`,
        (body) => lookRows.parse(body).rows,
      ),

    version: () => ask('/v1/version', (body) => serverVersion.parse(body)),

    status: () => ask('/v1/status', (body) => status.parse(body)),

    events: (query = {}) =>
      ask(recordsPath(query), (body) => kubernetesEventList.parse(body).items),

    async *watchEvents(query, { signal: until }) {
      const changes = followWatch(transport, clock, {
        read: (body) => kubernetesEvent.parse(body),
        signal: until,
        list: async () => {
          const { items, metadata } = await ask(
            recordsPath(query),
            (body) => kubernetesEventList.parse(body),
            { signal: until },
          );
          return { items: items.toReversed(), resourceVersion: metadata.resourceVersion };
        },
        path: (resourceVersion) => recordsPath(query, { watch: 'true', resourceVersion }),
      });
      for await (const { type, object } of changes) {
        // A record that is not in a later list has grown old: nothing happened.
        if (type !== 'DELETED') yield { type, object };
      }
    },

    async *live(until) {
      for await (const { data } of followStream(transport, clock, { path: '/v1/live', ...until })) {
        yield liveView.parse(JSON.parse(data));
      }
    },

    openapi: () => ask('/openapi.json', (body) => body),

    metrics: async () =>
      (await transport.send('/metrics', { headers: { accept: 'text/plain' } })).text,
  };
}
