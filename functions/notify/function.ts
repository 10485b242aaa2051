import {
  eventTypes,
  resourceChanges,
  type Notification,
  type ResourceReference,
} from '../../knative/events.ts';
import { kinds } from '../../knative/resources/kinds.ts';
import { on } from '../host/event-handler.ts';
import type { CloverFunction } from '../host/function.ts';
import type { EmitEvent } from '../host/invocation.ts';
import { sha256 } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import type { EventRecorder, Transition } from '../records/event-recorder.ts';
import type { ResourceStore } from '../resources/store.ts';
import { findingsOf } from './findings.ts';

/** Dependencies of {@link createNotify}. */
export interface NotifyOptions {
  readonly resources: Pick<ResourceStore, 'get'>;
  readonly records: Pick<EventRecorder, 'noted' | 'note' | 'forget'>;
  readonly clock: Clock;
}

/** What was so for longer when it is seen first is no news: the records were lost, or are new here. */
const newsMs = 24 * 3_600_000;

/**
 * Changed objects → event records and notifications. What to tell follows from the present state, and each
 * transition is told once: it is emitted, then noted, so that a crash between the two tells the same
 * event again and never loses it.
 */
export function createNotify({ resources, records, clock }: NotifyOptions): CloverFunction {
  const counts = { raised: 0 };
  let turn: Promise<void> = Promise.resolve();

  const tell = async (reference: ResourceReference, emit: EmitEvent): Promise<void> => {
    const { namespace, name } = reference;
    const known = kinds.find(({ kind }) => kind === reference.kind);
    const object =
      known === undefined ? undefined : await resources.get(known.kind, namespace, name);
    if (object === undefined) return;
    for (const { transition, notification, onlyAsChange } of findingsOf(object)) {
      const before = await records.noted(transition.uid, transition.what);
      if (before === transition.to) continue;
      const isOld = clock.now() - Date.parse(notification.at) > newsMs;
      if (before === undefined && (onlyAsChange || isOld)) {
        await records.note(transition);
        continue;
      }
      await emit(notificationEvent(transition, notification));
      await records.note(transition, notification);
      counts.raised += 1;
    }
  };

  /** One after the other: two at the same time would tell the same twice. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  const { added, updated, deleted } = resourceChanges;
  return {
    name: 'notify',
    handlers: [
      ...[added, updated].map((change) =>
        on(change, ({ data }, { emit }) => inTurn(() => tell(data, emit))),
      ),
      on(deleted, ({ data }) => inTurn(() => records.forget(data.uid))),
    ],
    counters: () => ({ ...counts }),
  };
}

/** The event of a transition: the same one always gives the same id. */
export function notificationEvent(
  { uid, what, to }: Transition,
  notification: Notification,
): CloudEvent {
  const { reason, at, regarding } = notification;
  const { apiVersion, kind, namespace, name } = regarding;
  return {
    specversion: '1.0',
    id: `${uid}-${what.toLowerCase()}-${sha256(to).slice(0, 16)}`,
    source: `/apis/${apiVersion}`,
    type: eventTypes.notification,
    subject: `${kind}/${namespace}/${name}`,
    time: at,
    datacontenttype: 'application/json',
    extensions: { reason, kind, namespace, name },
    data: Buffer.from(JSON.stringify(notification)),
  };
}
