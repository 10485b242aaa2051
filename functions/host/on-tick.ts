import { ticked, type Tick } from '../../knative/events.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { on, type EventHandler, type TypedEvent } from './event-handler.ts';
import type { Invocation } from './invocation.ts';

/**
 * Ties a handler to the ticks of a function's schedules: those of Clover's scheduler, and those of Knative's PingSource,
 * which say less. Where the data names no schedule, it is the last part of the source; where it says no instant, it is the
 * second of the event's time: PingSource sends up to half a second late.
 * @example
 * onTick(async ({ data: { schedule, at } }, { log }) => log.info({ schedule, at }, 'tick'));
 */
export function onTick(
  handler: (event: TypedEvent<Tick>, invocation: Invocation) => Promise<CloudEvent | void>,
): EventHandler {
  const typed = on(ticked, handler);
  return {
    type: ticked.type,
    handle: (event, invocation) => typed.handle(completed(event), invocation),
  };
}

/** The data of a PingSource is its owner's: what is not of a tick is not looked at. */
function completed(event: CloudEvent): CloudEvent {
  const given = membersOf(event.data);
  const data = {
    schedule: given['schedule'] ?? event.source.split('/').at(-1),
    at: given['at'] ?? secondOf(event.time),
    missed: given['missed'],
  };
  return {
    ...event,
    datacontenttype: 'application/json',
    data: Buffer.from(JSON.stringify(data)),
  };
}

function membersOf(data: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Unix ms. */
function secondOf(time: string | undefined): number | undefined {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? undefined : Math.floor(at / 1_000) * 1_000;
}
