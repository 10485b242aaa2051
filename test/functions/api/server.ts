import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { ExecutionContext } from 'ava';
import express, { type NextFunction } from 'express';
import type { RedRow, StoredArmRow, TimeWindow } from '../../../functions/analytics/store.ts';
import { createApi } from '../../../functions/api/function.ts';
import type { HttpRequest, HttpResponse } from '../../../functions/host/http.ts';
import type { Look } from '../../../functions/evidence/evidence-store.ts';
import { sha256 } from '../../../functions/lib/canonical-json.ts';
import { asCloverError, sendProblem } from '../../../functions/host/problem.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { EventRecorder } from '../../../functions/records/event-recorder.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import type { StreamLimits } from '../../../functions/api/streams.ts';
import { createMemoryBroker, type MemoryBroker } from './memory-broker.ts';
import { memoryRecords } from './memory-records.ts';

const summary = {
  samples: { control: 120, variant: 118 },
  errors: { control: 1, variant: 0 },
  stuck: 0,
  missing: 0,
  effects: [{ metric: 'latency', estimate: 0.031, low: 0.01, high: 0.052 }],
  window: { from: 0, to: 5_000 },
};

/** A look as the judge chains it. */
export function look(number: number, previous: string): Look {
  const body = JSON.stringify({
    stage: 'judge',
    at: 0,
    outcome: 'PASS',
    reason: 'better',
    summary,
  });
  return { run: 'r1', number, previous, hash: sha256(previous + body), body };
}

/** Rows that the test's analytics and evidence hold. */
export const rows = {
  red: [
    {
      service: 'proxy',
      version: 'v1',
      kind: 'SERVER',
      requests: 200,
      errors: 1,
      p50: 1.5,
      p95: 4,
      p99: 9,
    },
  ] satisfies RedRow[],
  arms: [{ run: 'r1', epoch: 1, arm: 'control', requests: 7 }] satisfies StoredArmRow[],
  totals: [
    {
      splitter: 'shop/gateway',
      run: 'r1',
      epoch: 1,
      arm: 'control',
      block: 0,
      started: 7,
      done: 7,
      errors: 0,
      stuck: 0,
      sumLog: -1,
      sumLogSq: 2,
    },
  ],
  looks: [look(1, '0'.repeat(64))] satisfies Look[],
};

const edge = (
  error: unknown,
  _request: HttpRequest,
  response: HttpResponse,
  _next: NextFunction,
): void => sendProblem(response, asCloverError(error));

/** A real API server on a store in memory. */
export interface ApiServer {
  readonly url: string;
  readonly token: string;
  readonly store: ResourceStore;
  readonly records: EventRecorder;
  readonly broker: MemoryBroker;
  /** Counters of the API. */
  readonly counters: () => Readonly<Record<string, number>>;
  /** Takes down the function, as a host that drains does. */
  readonly closeApi: () => Promise<void>;
  /** The window of the newest question. */
  readonly asked: () => TimeWindow | undefined;
  /** Breaks every connection, and answers nothing until it is started again. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** Starts the API on loopback with a bearer token; it is taken down with the test. */
export async function startApi(
  t: ExecutionContext,
  options: {
    readonly keepChanges?: number;
    readonly heartbeatMs?: number;
    readonly limits?: StreamLimits;
    readonly red?: () => Promise<readonly RedRow[]>;
  } = {},
): Promise<ApiServer> {
  const { limits = {}, keepChanges, red, heartbeatMs = 20 } = options;
  const kept = keepChanges === undefined ? {} : { keepChanges };
  const store = createLocalStore({ path: ':memory:', clock: systemClock, ...kept });
  const broker = createMemoryBroker();
  const records = await memoryRecords();
  const token = 'secret';
  let asked: TimeWindow | undefined;
  const api = createApi({
    resources: store,
    analytics: {
      red: async (window) => {
        asked = window;
        return red === undefined ? rows.red : red();
      },
      storedArms: async () => rows.arms,
    },
    evidence: { totals: async () => rows.totals, looks: async () => rows.looks },
    status: async () => ({ api: { watches: 0 }, broker: { depth: 3 } }),
    records,
    broker: async () => broker,
    limits,
    livePeriodMs: 30,
    clock: systemClock,
    version: '1.2.3',
    heartbeatMs,
  });
  const app = express();
  app.use((request: HttpRequest, _response: HttpResponse, next: NextFunction) => {
    const allowed = request.headers.authorization === `Bearer ${token}`;
    next(
      allowed
        ? undefined
        : new CloverError('CLV_UNAUTHORIZED', 'the bearer token is missing or wrong'),
    );
  });
  const routes = await api.routes();
  // Who warms up makes those that the host serves.
  t.is(await api.routes(), routes);
  app.use((request: HttpRequest, response: HttpResponse, next: NextFunction) => {
    routes(request, response, next);
  });
  app.use((request: HttpRequest, _response: HttpResponse, next: NextFunction) => {
    next(new CloverError('CLV_NOT_FOUND', `there is nothing at ${request.path}`));
  });
  app.use(edge);
  let server: Server = createServer(app);
  const listen = async (port: number): Promise<number> => {
    server = createServer(app).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed: Promise<unknown> = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const port = await listen(0);
  t.teardown(async () => {
    await api.close?.();
    await stop();
    await records.close();
    await store.close();
  });
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    store,
    records,
    broker,
    counters: () => api.counters?.() ?? {},
    closeApi: async () => api.close?.(),
    asked: () => asked,
    stop,
    start: async () => {
      await listen(port);
    },
  };
}
