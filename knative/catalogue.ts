import { createHash } from 'node:crypto';
import { eventTypes, type NotificationReason } from './events.ts';
import type { TriggerFilter } from './filters.ts';

/** Delivery of a trigger, with the meanings of Knative's `delivery` field. */
export interface Delivery {
  /** Attempts after the first. */
  readonly retry: number;
  readonly backoffPolicy: 'linear' | 'exponential';
  /** ISO 8601. */
  readonly backoffDelay: string;
  readonly timeout: string;
  /**
   * ISO 8601; the most that a Retry-After of a 429 or 503 may ask for. Zero: it is ignored. Absent: as
   * long as the function asks for.
   */
  readonly retryAfterMax?: string;
}

/** Brings events of the broker to a function. */
export interface Trigger {
  readonly name: string;
  /** Every listed attribute has to be equal; the empty text stands for any value. */
  readonly filter: Readonly<Record<string, string>>;
  /** Every one has to match; `filter` does not count when there is one. */
  readonly filters?: readonly TriggerFilter[];
  readonly delivery: Delivery;
}

/** Ticks for a function while it says that something is active. */
export interface Schedule {
  readonly name: string;
  /**
   * A cron line as PingSource takes it: five fields, six with the second first, or a descriptor such as
   * `@hourly`.
   */
  readonly schedule: string;
  /** IANA name. Default: UTC. */
  readonly timezone?: string;
}

/** One function: what it takes and when it runs. */
export interface FunctionEntry {
  readonly name: string;
  readonly triggers: readonly Trigger[];
  readonly schedules: readonly Schedule[];
  /** Types that it takes by direct POST, past the broker. */
  readonly direct: readonly string[];
  /** It serves plain HTTP below these paths. */
  readonly paths: readonly string[];
}

/**
 * How events are delivered where a trigger asks for nothing else. A function may be down for three minutes: 0.2 s, 0.4 s, …,
 * 102.4 s; an attempt may last longer than a cold start.
 */
export const defaultDelivery: Delivery = {
  retry: 10,
  backoffPolicy: 'exponential',
  backoffDelay: 'PT0.2S',
  timeout: 'PT30S',
};

const on = (name: string, filter: Record<string, string>): Trigger => ({
  name,
  filter,
  delivery: defaultDelivery,
});

const resourceTriggers = (owner: string, watched: readonly string[]): Trigger[] =>
  watched.flatMap((kind) =>
    [
      ['added', eventTypes.resourceAdded],
      ['updated', eventTypes.resourceUpdated],
      ['deleted', eventTypes.resourceDeleted],
    ].map(([verb, type]) =>
      on(`${owner}-${kind.toLowerCase()}-${verb}`, { type: type ?? '', kind }),
    ),
  );

/** When a function looks at everything, for what no event told; on Knative the installation says how often. */
const resync = { schedule: '* * * * *' } as const;

const anyOf = (attribute: string, values: readonly string[]): TriggerFilter => ({
  any: values.map((value) => ({ exact: { [attribute]: value } })),
});

/** A receiver may be down for 17 minutes: 1 s, 2 s, 4 s, …, 512 s. */
const webhookDelivery: Delivery = {
  retry: 10,
  backoffPolicy: 'exponential',
  backoffDelay: 'PT1S',
  timeout: 'PT15S',
  retryAfterMax: 'PT10M',
};

/** The name of a webhook's function: its queue stays its own when others come and go. */
export function webhookName(url: string): string {
  return `webhook-${createHash('sha256').update(url).digest('hex').slice(0, 8)}`;
}

/** Whether a function, or its trigger, is that of a webhook. */
export function isWebhookName(name: string): boolean {
  return /^webhook-[0-9a-f]{8}$/.test(name);
}

/**
 * The entry of a function that brings notifications to one webhook, with a queue of its own.
 * @param reasons only these; default: all.
 */
export function webhookEntry(
  name: string,
  reasons?: readonly NotificationReason[],
  how: Delivery = webhookDelivery,
): FunctionEntry {
  const filters: readonly TriggerFilter[] = [
    { exact: { type: eventTypes.notification } },
    ...(reasons === undefined ? [] : [anyOf('reason', reasons)]),
  ];
  return {
    name,
    triggers: [{ name, filter: {}, filters, delivery: how }],
    schedules: [],
    direct: [],
    paths: [],
  };
}

/** Every function of Clover, in alphabetical order. */
export const catalogue: readonly FunctionEntry[] = [
  {
    name: 'api',
    triggers: [],
    schedules: [],
    direct: [],
    paths: ['/apis', '/openapi.json', '/v1'],
  },
  {
    name: 'evaluate',
    triggers: [
      on('evaluate-reports', { type: eventTypes.evidence }),
      ...resourceTriggers('evaluate', ['Experiment', 'ExperimentRun', 'Tap', 'TrafficPolicy']),
    ],
    schedules: [
      { name: 'evaluate-look', schedule: '* * * * * *' },
      { name: 'evaluate-resync', ...resync },
    ],
    direct: [],
    paths: [],
  },
  { name: 'ingest', triggers: [], schedules: [], direct: [eventTypes.spans], paths: [] },
  {
    name: 'notify',
    triggers: [
      {
        name: 'notify-resources',
        filter: {},
        filters: [
          anyOf('type', [
            eventTypes.resourceAdded,
            eventTypes.resourceUpdated,
            eventTypes.resourceDeleted,
          ]),
          anyOf('kind', ['Experiment', 'ExperimentRun', 'TrafficPolicy']),
        ],
        delivery: defaultDelivery,
      },
    ],
    schedules: [],
    direct: [],
    paths: [],
  },
  {
    name: 'policy',
    triggers: resourceTriggers('policy', ['ExperimentRun', 'TrafficPolicy']),
    schedules: [
      { name: 'policy-resync', ...resync },
      { name: 'policy-settle', schedule: '* * * * *' },
    ],
    direct: [],
    paths: [],
  },
];
