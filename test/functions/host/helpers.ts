import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import type { FunctionEntry, Trigger } from '../../../knative/catalogue.ts';
import { onBytes, type EventHandler } from '../../../functions/host/event-handler.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import type { EmitEvent, Invocation } from '../../../functions/host/invocation.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { CloverError } from '../../../functions/lib/errors.ts';

/** A log that nobody reads. */
export const silent = pino({ level: 'silent' });

/** Listens on a free port of loopback and returns it. */
export async function listenOnLoopback(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}

/** A folder that goes away with the test. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-host-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** An event with what matters to the test. */
export function eventOf(members: Partial<CloudEvent> = {}): CloudEvent {
  return {
    specversion: '1.0',
    id: '1',
    source: '/test',
    type: 'test.event',
    extensions: {},
    data: Buffer.from('{}'),
    ...members,
  };
}

/** A trigger with a delivery that tests can wait for. */
export function triggerOf(name: string, type: string, retry = 3): Trigger {
  return {
    name,
    filter: { type },
    delivery: { retry, backoffPolicy: 'exponential', backoffDelay: 'PT0.02S', timeout: 'PT5S' },
  };
}

/** An entry of a catalogue. */
export function entryOf(name: string, members: Partial<FunctionEntry> = {}): FunctionEntry {
  return { name, triggers: [], schedules: [], direct: [], paths: [], ...members };
}

/** Resolves once the condition holds; the test's own time limit is the only one. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

/** The same handler for each of these types. */
export function handlersOf(
  types: readonly string[],
  handler: (event: CloudEvent, invocation: Invocation) => Promise<CloudEvent | void>,
): EventHandler[] {
  return types.map((type) => onBytes(type, handler));
}

/** Emits nothing: the test has no broker. */
export const noEmit: EmitEvent = async () => undefined;

/** Gives an event to a function as the host would. */
export async function handle(
  fn: CloverFunction,
  event: CloudEvent,
  invocation: Partial<Invocation> = {},
): Promise<CloudEvent | undefined> {
  const handler = fn.handlers?.find(({ type }) => type === event.type);
  if (handler === undefined) {
    throw new CloverError('CLV_EVENT_INVALID', `${fn.name} has no handler of ${event.type}`);
  }
  return handler.handle(event, {
    signal: AbortSignal.timeout(30_000),
    log: silent,
    emit: noEmit,
    ...invocation,
  });
}
