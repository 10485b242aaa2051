import type { FunctionEntry } from '../../knative/catalogue.ts';
import { eventTypes } from '../../knative/events.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { compileTriggers, passes } from './broker/filters.ts';
import { attributesOf } from './cloud-event-attributes.ts';

/** Throws for an event that is not a function's. */
export type Admission = (event: CloudEvent) => void;

/**
 * What a function takes by direct POST: types that the catalogue names for it, and what its triggers' `filters` take.
 * @throws CloverError CLV_FILTER_INVALID; the admission throws CLV_EVENT_INVALID.
 */
export function createAdmission(entry: FunctionEntry): Admission {
  const triggers = compileTriggers(entry);
  const plain = triggers.filter(({ trigger: { filters = [] } }) => filters.length === 0);
  const rich = triggers.filter((trigger) => !plain.includes(trigger));
  const types = new Set([
    ...entry.direct,
    ...plain.map(({ trigger }) => trigger.filter['type']).filter((type) => type !== undefined),
    ...(entry.schedules.length > 0 ? [eventTypes.tick] : []),
  ]);
  return (event) => {
    if (types.has(event.type)) return;
    const attributes = attributesOf(event);
    if (rich.some(({ filter }) => passes(filter, attributes))) return;
    throw new CloverError('CLV_EVENT_INVALID', `${entry.name} does not take ${event.type}`, {
      details: [{ field: 'type', message: `must be one of: ${[...types].sort().join(', ')}` }],
    });
  };
}
