import { existsSync } from 'node:fs';
import type { FunctionEntry } from '../../knative/catalogue.ts';
import { sinkTokenFile } from '../lib/authorization.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createHost } from './create-host.ts';
import { endWork } from './end-work.ts';
import { functionLog } from './function-log.ts';
import type { CloverFunction } from './function.ts';
import type { EmitEvent } from './invocation.ts';
import { endOnSignals } from './on-signals.ts';
import { createRunner } from './runner.ts';
import type { AdmitSender } from './sender-guard.ts';
import { createSink } from './sink.ts';
import type { ProcessTelemetry } from './telemetry/create-telemetry.ts';

/** Options of {@link runFunction}. */
export interface RunFunctionOptions {
  /** Default: JSON lines on standard output, from `LOG_LEVEL` (info) upwards. */
  readonly log?: Log;
  /**
   * `PORT` (8080), `K_SERVICE`, `K_REVISION`, `K_SINK`, `K_CE_OVERRIDES`: Knative's runtime contract. Default: the
   * process's own.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Events in hand at the same time. Default 100: Knative's target for a pod. */
  readonly concurrency?: number;
  /** Milliseconds from SIGTERM until what still runs is aborted. Default 20 000. */
  readonly abortAfterMs?: number;
  /** Functions that run in the same process, each at `/functions/<name>`. Default: none. */
  readonly beside?: readonly CloverFunction[];
  /** Default: what the `OTEL_*` variables say; without any nothing of it is loaded. */
  readonly telemetry?: ProcessTelemetry;
  /** Who may send. Default: whoever reaches the port. */
  readonly admitSender?: AdmitSender | undefined;
  /**
   * What the first request would wait for, such as a connection; begun when the process listens. What fails here is told, and is left
   * to whoever needs it.
   */
  readonly warmUp?: () => Promise<unknown>;
}

/**
 * Runs one function as a process of its own, as Knative wants it: events at `POST /`, its routes below `/`, health at
 * `/health/live` and `/health/ready`. A reply is the answer to the request; `emit` goes to `K_SINK`, with the token that its
 * SinkBinding has put there. SIGTERM drains and ends the process.
 * @returns the URL that it listens at.
 * @throws CloverError CLV_CONFIG_INVALID for a bad environment, and for a port that is taken; see startOrExit.
 */
export async function runFunction(
  fn: CloverFunction,
  options: RunFunctionOptions = {},
): Promise<string> {
  const { env = process.env, concurrency = 100, admitSender } = options;
  const { log = functionLog(fn.name, env) } = options;
  const telemetry = options.telemetry ?? (await telemetryOf(fn, env, log));
  const functions = [fn, ...(options.beside ?? [])];
  const catalogue = functions.map((one): FunctionEntry => ({
    name: one.name,
    triggers: [],
    schedules: [],
    direct: (one.handlers ?? []).map(({ type }) => type),
    paths: one === fn ? ['/'] : [],
  }));
  const measured = telemetry === undefined ? {} : { telemetry };
  const runner = createRunner({
    functions,
    catalogue,
    log,
    emit: sinkOf(env),
    concurrency,
    ...measured,
  });
  const host = createHost({
    runner,
    rootFunction: fn.name,
    log,
    ...measured,
    ...(admitSender !== undefined && { admitSender }),
  });
  const url = await host.listen({ port: portOf(env['PORT']) });
  endOnSignals({
    serving: {
      drain: async () => {
        await endWork(runner, [host.drain()], options.abortAfterMs);
        await runner.close();
      },
      pending: () => host.pending() + runner.unawaited(),
    },
    release: async () => {
      await host.close();
      await telemetry?.shutdown();
    },
    log,
  });
  log.info({ url }, 'ready');
  telemetry?.ready(performance.now());
  // Between the two the platform finds out that the process is ready: Knative's queue-proxy has not even begun by then.
  options.warmUp?.().catch((error: unknown) => {
    log.info({ err: error }, 'the first request will wait: warming up failed');
  });
  return url;
}

/** Not what a cold start should wait for, unless the environment speaks of it. */
async function telemetryOf(
  { name }: CloverFunction,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<ProcessTelemetry | undefined> {
  if (!Object.keys(env).some((variable) => variable.startsWith('OTEL_'))) return undefined;
  try {
    const { functionTelemetry } = await import('./telemetry/function-telemetry.ts');
    return functionTelemetry({ name, env, log });
  } catch (error) {
    log.error({ err: error }, 'telemetry does not load: nothing is sent');
    return undefined;
  }
}

function portOf(text = '8080'): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new CloverError(
    'CLV_CONFIG_INVALID',
    `PORT: found ${JSON.stringify(text)}; must be 0 to 65535`,
  );
}

function sinkOf({
  K_SINK: url,
  K_CE_OVERRIDES: overrides,
}: Record<string, string | undefined>): EmitEvent {
  const tokenFile = existsSync(sinkTokenFile) ? sinkTokenFile : undefined;
  if (url !== undefined) return createSink({ url, extensions: extensionsOf(overrides), tokenFile });
  return async ({ type }: CloudEvent) => {
    const message = `there is no sink for ${type}: bind one (Knative sets K_SINK)`;
    throw new CloverError('CLV_CONFIG_INVALID', message);
  };
}

/** `{"extensions": {"name": "value"}}`, as Knative's SinkBinding sets it; it sets an empty text where there are none. */
function extensionsOf(text = ''): Readonly<Record<string, string>> {
  if (text === '') return {};
  const problem = 'K_CE_OVERRIDES: must be JSON with "extensions", an object of texts';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', problem, { cause });
  }
  const extensions = isObject(value) && 'extensions' in value ? value.extensions : {};
  const entries: [string, unknown][] = isObject(extensions) ? Object.entries(extensions) : [];
  const texts = entries.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  if (!isObject(value) || !isObject(extensions) || texts.length < entries.length) {
    throw new CloverError('CLV_CONFIG_INVALID', problem);
  }
  return Object.fromEntries(texts);
}

function isObject(candidate: unknown): candidate is object {
  return typeof candidate === 'object' && candidate !== null;
}
