import { createServer } from 'node:http';
import type { ExecutionContext } from 'ava';
import {
  createClickHouseDeadLetters,
  type DeadLetterStore,
} from '../../../functions/dead-letters/clickhouse-dead-letters.ts';
import { createReceiver } from '../../../functions/dead-letters/receiver.ts';
import { createReplay } from '../../../functions/dead-letters/replay.ts';
import { decodeHttpMessage } from '../../../functions/host/cloud-event-http.ts';
import { createHost } from '../../../functions/host/create-host.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import { readBody } from '../../../functions/host/read-body.ts';
import { createRunner } from '../../../functions/host/runner.ts';
import { noTelemetry, type Telemetry } from '../../../functions/host/telemetry.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { eventHeaders } from '../../../functions/lib/event-headers.ts';
import type { Log } from '../../../functions/lib/log.ts';
import { log, type TestClickHouse } from '../analytics/start.ts';
import { entryFor } from '../host/broker/open-broker.ts';
import { entryOf, listenOnLoopback, noEmit, silent, until } from '../host/helpers.ts';
import type { Subject } from './suite.ts';

let databases = 0;

/** Dead letters in a database of their own. */
export function openNew(t: ExecutionContext, clickhouse: TestClickHouse): DeadLetterStore {
  databases += 1;
  return open(t, clickhouse, `letters_${databases}`);
}

/** Another process with the same dead letters. */
export function open(
  t: ExecutionContext,
  clickhouse: TestClickHouse,
  database = `letters_${databases}`,
): DeadLetterStore {
  const { url, username, password } = clickhouse.server();
  const store = createClickHouseDeadLetters({ url, username, password, database }, { log });
  t.teardown(() => store.close());
  return store;
}

/** Serves the receiver as `ingest` does; returns its URL. */
export async function serveReceiver(
  t: ExecutionContext,
  store: Pick<DeadLetterStore, 'add'>,
  telemetry: Telemetry = noTelemetry,
  receiverLog: Pick<Log, 'error'> = silent,
): Promise<string> {
  const fn: CloverFunction = {
    name: 'ingest',
    routes: async (counters) => createReceiver(store, counters, receiverLog),
  };
  const catalogue = [entryOf('ingest', { paths: ['/'] })];
  const runner = createRunner({ functions: [fn], catalogue, log: silent, emit: noEmit });
  const host = createHost({
    runner,
    rootFunction: 'ingest',
    log: silent,
    telemetry,
    drainGraceMs: 0,
  });
  t.teardown(() => host.close());
  return host.listen({ host: '127.0.0.1', port: 0 });
}

/** Sends an event in binary mode, as Knative's dispatcher does. */
export const send = (url: string, event: CloudEvent): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: eventHeaders(event),
    body: new Uint8Array(event.data),
  });

/** An event as Knative's dispatcher sends it to a dead-letter sink. */
export function failed(event: CloudEvent, status: number, why: string): CloudEvent {
  const extensions = {
    ...event.extensions,
    knativebrokerttl: '254',
    knativeerrordest: 'http://broker-filter.knative-eventing.svc.cluster.local/triggers/n/on-a/u',
    knativeerrorcode: String(status),
    knativeerrordata: Buffer.from(why).toString('base64'),
  };
  return { ...event, extensions };
}

/** A function that answers with a status of this moment; what it took is kept. */
export async function serveFunction(
  t: ExecutionContext,
  says: { status: number },
): Promise<{
  readonly url: string;
  readonly taken: CloudEvent[];
  /** Of every request, none where it had none. */
  readonly authorizations: string[];
}> {
  const taken: CloudEvent[] = [];
  const authorizations: string[] = [];
  const server = createServer((request, response) => {
    const keep = async (): Promise<void> => {
      const body = await readBody(request, { bytes: 1_000_000 });
      const { event } = decodeHttpMessage(request.headersDistinct, body);
      if (event !== undefined && says.status < 300) taken.push(event);
      authorizations.push(request.headers.authorization ?? 'none');
      response.writeHead(says.status).end('why');
    };
    keep().catch((error: unknown) => t.fail(String(error)));
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${port}`, taken, authorizations };
}

/** The parts of Clover on Knative, with what Knative's dispatcher does between them. */
export async function knativeSubject(
  t: ExecutionContext,
  clickhouse: TestClickHouse,
): Promise<Subject> {
  const store = openNew(t, clickhouse);
  const says = { status: 400 };
  const [{ url, taken }, receiver] = await Promise.all([
    serveFunction(t, says),
    serveReceiver(t, store),
  ]);
  const admin = createReplay({
    store,
    catalogue: [entryFor(['a', 'b'])],
    sinkOf: (name) => ({ url: name === 'f' ? url : 'http://nowhere.invalid' }),
  });
  return {
    admin,
    bury: async (event) => {
      const { status } = await send(url, event);
      if (status !== 400) throw new CloverError('CLV_INTERNAL', `found ${status}`);
      // An answer may be lost: then it comes again.
      for (const _ of ['once', 'again']) {
        const letter = failed(event, status, 'why');
        const kept = await send(`${receiver}/deadletters/on-${event.type}`, letter);
        t.is(kept.status, 202, await kept.text());
      }
    },
    taken: async (count) => {
      await until(() => taken.length >= count);
      return taken;
    },
    heal: () => {
      says.status = 204;
    },
  };
}
