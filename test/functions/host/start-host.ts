import { connect } from 'node:net';
import type { ExecutionContext } from 'ava';
import type { AgentCalls } from '../../../functions/host/agent-calls.ts';
import { createBearerCheck } from '../../../functions/host/bearer.ts';
import { createHost, type Host, type HostOptions } from '../../../functions/host/create-host.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import type { EmitEvent } from '../../../functions/host/invocation.ts';
import { createAdmission } from '../../../functions/host/admission.ts';
import { createRunner, type RunnerOptions } from '../../../functions/host/runner.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventHeaders } from '../../../functions/lib/event-headers.ts';
import { entryOf, noEmit, silent, triggerOf } from './helpers.ts';

/** Bearer token of the started host. */
const token = 'a-token-for-the-tests';
/** The header that it wants. */
export const authorization = `Bearer ${token}`;
const catalogue = [
  entryOf('f', { direct: ['direct'], triggers: [triggerOf('on-a', 'a')], paths: ['/one', '/two'] }),
];

/** A host with one function, `f`, that takes the types `a` and `direct`. */
export interface Started {
  readonly url: string;
  readonly host: Host;
  readonly port: number;
}

/** Starts one on a free port, for the time of the test. */
export async function start(
  t: ExecutionContext,
  fn: Omit<CloverFunction, 'name'>,
  options: Partial<RunnerOptions> & {
    readonly publish?: EmitEvent;
    readonly agents?: AgentCalls;
    readonly admitScraper?: HostOptions['admitScraper'];
    readonly admitSender?: HostOptions['admitSender'];
    readonly requestTimeoutMs?: number;
    readonly leastPace?: HostOptions['leastPace'];
    readonly drainGraceMs?: number;
    readonly drainBodyMs?: number;
    readonly maxRequests?: number;
  } = {},
): Promise<Started> {
  const runner = createRunner({
    functions: [{ name: 'f', ...fn }],
    catalogue,
    log: silent,
    emit: noEmit,
    admission: createAdmission,
    ...options,
  });
  const host = createHost({
    runner,
    publish: options.publish ?? (async () => undefined),
    isAuthorized: createBearerCheck(token),
    ...(options.agents === undefined ? {} : { agents: options.agents }),
    ...(options.admitScraper === undefined ? {} : { admitScraper: options.admitScraper }),
    ...(options.admitSender === undefined ? {} : { admitSender: options.admitSender }),
    log: options.log ?? silent,
    drainGraceMs: options.drainGraceMs ?? 20,
    ...(options.telemetry === undefined ? {} : { telemetry: options.telemetry }),
    ...(options.leastPace === undefined ? {} : { leastPace: options.leastPace }),
    ...(options.drainBodyMs === undefined ? {} : { drainBodyMs: options.drainBodyMs }),
    ...(options.maxRequests === undefined ? {} : { maxRequests: options.maxRequests }),
    ...(options.requestTimeoutMs === undefined
      ? {}
      : { requestTimeoutMs: options.requestTimeoutMs }),
  });
  const url = await host.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => host.close());
  return { url, host, port: Number(new URL(url).port) };
}

/** Posts an event in binary mode. */
export const post = (
  url: string,
  event: CloudEvent,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { authorization, ...eventHeaders(event), ...headers },
    body: new Uint8Array(event.data),
  });

/** Sends text as it is; resolves with all that comes back. */
export const raw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
