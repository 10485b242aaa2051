import { z } from 'zod';
import { eventsApiVersion } from '../../knative/kubernetes-event.ts';
import { sha256 } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import { terminating } from '../resources/kubernetes/status-error.ts';
import type { EventRecorder, RecordInput, Transition } from './event-recorder.ts';
import { eventsPath, readEvent } from './kubernetes-events.ts';
import { controller, microTime, seriesMs, shorten, wordsOf } from './record-words.ts';
import type { TransitionMemory } from './transition-memory.ts';

/** Options of {@link createKubernetesEventRecorder}. */
export interface KubernetesEventRecorderOptions {
  readonly client: KubeClient;
  readonly transitions: TransitionMemory;
  readonly clock: Pick<Clock, 'now'>;
  /** `reportingInstance` of the records: which process wrote them. */
  readonly instance: string;
}

/** On an Event: the transition that was counted last. */
const countedBy = 'clover.dev/transition';

/** Kubernetes' limit of a name. */
const nameLength = 253;

/** Other writers, and series that are over, of one record. */
const mostTries = 50;

const annotated = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).optional() }),
});

/**
 * Records as `events.k8s.io` Events of the object concerned: what `kubectl describe` and `kubectl get events` show. The name of an
 * Event follows from its words, so that the API server itself finds the one to count on. An Event names the transition that
 * it counted last: what dies between the Event and the memory of it, and comes again, is not counted twice.
 */
export function createKubernetesEventRecorder(
  options: KubernetesEventRecorderOptions,
): Pick<EventRecorder, 'noted' | 'note' | 'forget'> {
  const { client, transitions, clock, instance } = options;

  /** @returns false where there is one of this name. A namespace that goes keeps no records: there it is as good as made. */
  const create = async (name: string, record: RecordInput, by: string): Promise<boolean> => {
    const { type, reason, action, regarding, related, note } = record;
    const { namespace } = regarding;
    try {
      await client.call({
        method: 'POST',
        path: eventsPath(namespace),
        query: { fieldManager: controller.replace('/', '-'), fieldValidation: 'Strict' },
        body: {
          apiVersion: eventsApiVersion,
          kind: 'Event',
          metadata: { name, namespace, annotations: { [countedBy]: by } },
          eventTime: microTime(clock.now()),
          reportingController: controller,
          reportingInstance: instance,
          action,
          reason,
          regarding,
          ...(related === undefined ? {} : { related }),
          note: shorten(note),
          type,
        },
      });
      return true;
    } catch (error) {
      if (isCode(error, 'CLV_CONFLICT')) return false;
      if (isOfLeavingNamespace(error)) return true;
      throw error;
    }
  };

  /** @returns the name of the next series where this one is over; undefined when it is counted. */
  const countOn = async (
    name: string,
    { regarding }: RecordInput,
    by: string,
  ): Promise<string | undefined> => {
    const path = `${eventsPath(regarding.namespace)}/${name}`;
    const found = await client.call({ method: 'GET', path });
    const { metadata, series, eventTime } = readEvent(found);
    if (annotated.parse(found).metadata.annotations?.[countedBy] === by) return undefined;
    const now = clock.now();
    if (Date.parse(series?.lastObservedTime ?? eventTime) < now - seriesMs) {
      return nameOf(regarding.name, `${name} ${metadata.uid}`);
    }
    await client.call({
      method: 'PATCH',
      path,
      contentType: 'application/merge-patch+json',
      query: { fieldManager: controller.replace('/', '-') },
      body: {
        metadata: {
          uid: metadata.uid,
          resourceVersion: metadata.resourceVersion,
          annotations: { [countedBy]: by },
        },
        series: { count: (series?.count ?? 1) + 1, lastObservedTime: microTime(now) },
      },
    });
    return undefined;
  };

  const write = async ({ uid, what, to }: Transition, record: RecordInput): Promise<void> => {
    const by = sha256(JSON.stringify([uid, what, to])).slice(0, 32);
    let name = nameOf(record.regarding.name, wordsOf(record));
    for (let tries = 0; tries < mostTries; tries += 1) {
      if (await create(name, record, by)) return;
      try {
        const next = await countOn(name, record, by);
        if (next === undefined) return;
        name = next;
      } catch (error) {
        // Somebody counted at the same time, or it has just grown too old.
        if (!isCode(error, 'CLV_CONFLICT') && !isCode(error, 'CLV_NOT_FOUND')) throw error;
      }
    }
    const message = `the Event ${record.regarding.namespace}/${name} is written to by others all the time`;
    throw new CloverError('CLV_OVERLOADED', message, { retryAfter: 1 });
  };

  return {
    noted: (uid, what) => transitions.noted(uid, what),
    async note(transition, record) {
      // In this order: what is remembered is not told any more.
      if (record !== undefined) await write(transition, record);
      await transitions.remember(transition.uid, transition.what, transition.to);
    },
    forget: (uid) => transitions.forget(uid),
  };
}

function nameOf(object: string, words: string): string {
  const suffix = `.${sha256(words).slice(0, 16)}`;
  return `${object.slice(0, nameLength - suffix.length)}${suffix}`;
}

/** Whether something cannot be made because its namespace is being deleted, or is not there any more. */
function isOfLeavingNamespace(error: unknown): boolean {
  if (!(error instanceof CloverError)) return false;
  return (
    error.code === 'CLV_NOT_FOUND' || error.details.some(({ message }) => message === terminating)
  );
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof CloverError && error.code === code;
}
