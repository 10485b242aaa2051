import { catalogue, type FunctionEntry, type Schedule } from '../catalogue.ts';
import { eventTypes } from '../events.ts';
import type { Kind } from '../resources/kinds.ts';

/** Verbs of Kubernetes' authorization. */
export type Verb =
  | 'create'
  | 'delete'
  | 'deletecollection'
  | 'get'
  | 'list'
  | 'patch'
  | 'update'
  | 'watch';

/** What one may do with the objects of a kind. */
export interface KindAccess {
  readonly kind: Kind;
  /** With the object itself. */
  readonly verbs: readonly Verb[];
  /** It writes the status, too. */
  readonly status?: true;
}

/** What one may do with objects that are not ours. */
export interface OtherAccess {
  /** API group; the empty text is that of Kubernetes' first kinds. */
  readonly group: string;
  /** In plural, as a URL has it. */
  readonly resource: string;
  readonly verbs: readonly Verb[];
}

/** Compute resources, as a container names them. */
export interface Resources {
  readonly requests?: { readonly cpu?: string; readonly memory?: string };
  readonly limits?: { readonly cpu?: string; readonly memory?: string };
}

/** How a function of the catalogue runs on a cluster. */
export interface FunctionRow {
  readonly name: string;
  readonly maxScale: number;
  readonly containerConcurrency: number;
  /** How long a pod stays after its last event; Serving takes 6 to 3 600. Default: Serving's own. */
  readonly windowSeconds?: number;
  /** A request's longest time; the grace of a pod that ends, as well. */
  readonly timeoutSeconds: number;
  readonly resources: Resources;
  readonly access: readonly KindAccess[];
  /** With objects that are not ours. */
  readonly others?: readonly OtherAccess[];
  /** It programs Istio, where the installation has one, and may do this for it. */
  readonly onIstio?: readonly OtherAccess[];
  /** It keeps something in ClickHouse, or reads it there. */
  readonly clickhouse: boolean;
  /** It takes what agents send past the broker, and asks the cluster whether it is they who send. */
  readonly agents?: true;
  /** It gives dead letters to their functions again. */
  readonly replays?: true;
  /** It tells the webhooks of the installation. */
  readonly webhooks?: true;
  /** Types that it sends to the broker by itself. */
  readonly emits: readonly string[];
  /** Schedules of the catalogue that it starts and ends itself: each tick keeps a pod for half a minute and more. */
  readonly ownTicks?: readonly string[];
}

/**
 * Serving gives a pod `timeoutSeconds` between the wish that it ends and SIGKILL. The queue-proxy first waits until
 * 30 s brought no request, and only then lets go of the function, which finishes what it has in hand: at most
 * one delivery of the broker, 30 s.
 */
const quietSeconds = 30;
const deliverySeconds = 30;
const timeoutSeconds = quietSeconds + deliverySeconds;

/** As many events as `runFunction` takes in hand: more wait in the queue-proxy, and are not sent back with a 503. */
const containerConcurrency = 100;

/**
 * The limit of memory is the ceiling of V8's heap as well. There is no limit of CPU: it would throttle a cold start,
 * which takes all that it can get for a tenth of a second.
 */
const small: Resources = {
  requests: { cpu: '25m', memory: '64Mi' },
  limits: { memory: '256Mi' },
};

/** Whose token it is that one was called with. */
const tokenReviews: OtherAccess = {
  group: 'authentication.k8s.io',
  resource: 'tokenreviews',
  verbs: ['create'],
};

/** Records of what happened to objects. */
const events = { group: 'events.k8s.io', resource: 'events' } as const;

/**
 * One pod at most where a second one would do the same work again: it sees all there is at each event. As each does, nothing is gained by
 * a pod that waits for the next one: it goes as soon as Serving lets it, and not after the minute that is the default there, in which the
 * tick of a minute would keep it for ever.
 */
const reconciler = {
  maxScale: 1,
  windowSeconds: 6,
  containerConcurrency,
  timeoutSeconds,
  resources: small,
} as const;

/** By these it is found out whose token a caller has, and what they may do. */
export const reviews: readonly OtherAccess[] = [
  tokenReviews,
  { group: 'authorization.k8s.io', resource: 'subjectaccessreviews', verbs: ['create'] },
];

/** Every function of the catalogue, in its order. */
export const functionTable: readonly FunctionRow[] = [
  {
    name: 'api',
    maxScale: 3,
    // A watch is a request that lasts: it must not take the place of others.
    containerConcurrency: 0,
    // The most that Serving allows unless it is told otherwise; clients go on where a watch ended.
    timeoutSeconds: 600,
    resources: small,
    access: [
      { kind: 'Experiment', verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'] },
      { kind: 'ExperimentRun', verbs: ['get', 'list', 'watch'] },
      { kind: 'Tap', verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'] },
      { kind: 'TrafficPolicy', verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'] },
    ],
    others: [{ ...events, verbs: ['get', 'list', 'watch'] }, ...reviews],
    clickhouse: true,
    replays: true,
    emits: [],
  },
  {
    name: 'evaluate',
    ...reconciler,
    access: [
      // Finalizers are no part of the status: whoever holds an object has to patch the object itself.
      { kind: 'Experiment', verbs: ['get', 'list', 'patch'], status: true },
      {
        kind: 'ExperimentRun',
        verbs: ['create', 'delete', 'get', 'list', 'patch'],
        status: true,
      },
      { kind: 'Tap', verbs: ['get', 'list'], status: true },
      { kind: 'TrafficPolicy', verbs: ['get'] },
    ],
    clickhouse: true,
    emits: [],
    ownTicks: ['evaluate-look'],
  },
  {
    name: 'ingest',
    // Agents that trace ask for it every few seconds, so that none of their batches waits for a cold start.
    maxScale: 10,
    // 768 KiB of spans in zstd are about 8 MiB: sixteen of them are the 128 MiB that ingest lets wait.
    containerConcurrency: 16,
    timeoutSeconds,
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    access: [],
    others: [tokenReviews],
    clickhouse: true,
    agents: true,
    emits: [],
  },
  {
    name: 'notify',
    // In one process each transition is told once; two pods would tell some of them twice.
    ...reconciler,
    access: [
      { kind: 'Experiment', verbs: ['get'] },
      { kind: 'ExperimentRun', verbs: ['get'] },
      { kind: 'TrafficPolicy', verbs: ['get'] },
    ],
    others: [{ ...events, verbs: ['create', 'get', 'patch'] }],
    clickhouse: true,
    webhooks: true,
    emits: [eventTypes.notification],
  },
  {
    name: 'policy',
    ...reconciler,
    access: [
      { kind: 'ExperimentRun', verbs: ['list'] },
      { kind: 'TrafficPolicy', verbs: ['get', 'list'], status: true },
    ],
    onIstio: [
      { group: '', resource: 'services', verbs: ['get'] },
      ...['destinationrules', 'envoyfilters', 'virtualservices'].map((resource) => ({
        group: 'networking.istio.io',
        resource,
        verbs: ['create', 'delete', 'list', 'patch', 'update'] as const,
      })),
    ],
    clickhouse: false,
    emits: [],
    ownTicks: ['policy-settle'],
  },
];

/** Whether Eventing or agents send to it: with `oidc` it asks who does. */
export function takesEvents({ name }: Pick<FunctionRow, 'name'>): boolean {
  const entry = catalogue.find((one) => one.name === name);
  if (entry === undefined) return false;
  return [entry.triggers, entry.schedules, entry.direct].some(({ length }) => length > 0);
}

/** Schedules that a function starts and ends itself. */
export function ownSchedulesOf(name: string): readonly Schedule[] {
  const own = functionTable.find((row) => row.name === name)?.ownTicks ?? [];
  const schedules = catalogue.find((entry) => entry.name === name)?.schedules ?? [];
  return schedules.filter((schedule) => own.includes(schedule.name));
}

/** A function of the catalogue and how it runs. */
export interface DeployedFunction {
  readonly entry: FunctionEntry;
  readonly row: FunctionRow;
}

/** Every function of the catalogue, with its row. */
export const deployedFunctions: readonly DeployedFunction[] = catalogue.map((entry) => {
  const row = functionTable.find(({ name }) => name === entry.name);
  if (row === undefined) throw new TypeError(`function ${entry.name} has no row in the table`);
  return { entry, row };
});
