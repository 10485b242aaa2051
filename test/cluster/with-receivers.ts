import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { builtModules } from './build.ts';
import { leaveOut } from './leave-out.ts';
import { startCollector, type Collector } from './observe/collector.ts';
import { startReceivers, type Receivers } from './observe/receivers.ts';
import { receiverModules } from './programs.ts';
import { beginRun } from './with-cluster.ts';

/** Why tests of telemetry leave out those who take it; undefined when they can be started. They need no cluster, and not root. */
export async function whyNoReceivers(): Promise<string | undefined> {
  if ((await builtModules(receiverModules)) !== undefined) return undefined;
  return leaveOut(
    'the receivers of telemetry are left out: they are not built (npm run cluster -- build --tier observe)',
  );
}

/** Starts a Collector alone, which hands logs on in JSON to a base URL. */
export async function withLogCollector(
  t: Pick<ExecutionContext, 'teardown'>,
  logs: string,
): Promise<Collector> {
  const programs = await builtModules(receiverModules);
  const program = programs?.['collector'];
  if (program === undefined) throw new Error(await whyNoReceivers());
  const { run, supervisor } = await beginRun(t);
  const folder = join(run.path, 'observe');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const nowhere = 'http://127.0.0.1:1';
  return startCollector(
    { supervisor, program, folder, address: '127.0.0.1' },
    { traces: nowhere, metrics: nowhere, logs },
  );
}

/** Starts a Collector, a Jaeger and a Prometheus on loopback for a test, or for the hook of a file, and ends them with that. */
export async function withReceivers(t: Pick<ExecutionContext, 'teardown'>): Promise<Receivers> {
  const programs = await builtModules(receiverModules);
  if (programs === undefined) throw new Error(await whyNoReceivers());
  const { run, supervisor } = await beginRun(t);
  const folder = join(run.path, 'observe');
  return startReceivers({ supervisor, programs, folder, address: '127.0.0.1' });
}
