import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError, type ErrorDetail } from '../lib/errors.ts';
import { attributesOf } from './cloud-event-attributes.ts';

const required = ['specversion', 'id', 'source', 'type'];
const optional = ['subject', 'time', 'datacontenttype', 'dataschema'];

/**
 * The event that a handler made. What is none is the handler's failure: whoever sent the event that it was given has done
 * nothing wrong.
 * @param what for what is said: `the reply of orders`.
 * @throws CloverError CLV_HANDLER_EVENT_INVALID with every bad attribute.
 */
export function handlerEvent(event: CloudEvent, what: string): CloudEvent {
  const details = badMembers(event);
  if (details.length > 0) throw invalid(what, details);
  try {
    attributesOf(event);
  } catch (cause) {
    if (!(cause instanceof CloverError)) throw cause;
    throw invalid(what, cause.details, cause);
  }
  return event;
}

/** What the types of a handler promise, and a handler without types may break. */
function badMembers(event: unknown): ErrorDetail[] {
  if (typeof event !== 'object' || event === null) {
    return [{ field: 'event', message: 'is not an object' }];
  }
  const members: Readonly<Record<string, unknown>> = { ...event };
  const { extensions, data } = members;
  const details = [
    ...required.filter((name) => typeof members[name] !== 'string'),
    ...optional.filter((name) => !['string', 'undefined'].includes(typeof members[name])),
  ].map((field) => ({ field, message: 'must be a string' }));
  if (typeof extensions !== 'object' || extensions === null) {
    details.push({ field: 'extensions', message: 'must be an object of strings' });
  } else {
    for (const [name, value] of Object.entries<unknown>({ ...extensions })) {
      if (typeof value === 'string') continue;
      details.push({ field: `extensions.${name}`, message: 'must be a string' });
    }
  }
  if (!Buffer.isBuffer(data)) details.push({ field: 'data', message: 'must be a Buffer' });
  return details;
}

function invalid(what: string, details: readonly ErrorDetail[], cause?: unknown): CloverError {
  const [first] = details;
  const why = first === undefined ? '' : `: ${first.field} ${first.message}`;
  const message = `${what} is not a valid CloudEvent 1.0${why}`;
  return new CloverError('CLV_HANDLER_EVENT_INVALID', message, { cause, details });
}
