import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import type { CloudEvent } from '../../../../functions/lib/cloud-event.ts';
import { eventHeaders } from '../../../../functions/lib/event-headers.ts';
import { temporaryFolder, until } from '../helpers.ts';
import { parsePrometheus, type ParsedFamily } from './parse-prometheus.ts';

const program = fileURLToPath(new URL('../../../../functions/host/main.ts', import.meta.url));
const token = 'a-token-for-the-tests';
const announced = z.object({ url: z.string() });

/** A control plane in a process of its own, without ClickHouse and Envoy. */
export interface StartedControlPlane {
  readonly url: string;
  readonly headers: { readonly authorization: string };
  /** Gives an event to the broker; resolves with the status. */
  readonly publish: (event: CloudEvent) => Promise<number>;
  /** Creates an object; resolves with the status. */
  readonly apply: (plural: string, name: string, document: object) => Promise<number>;
  /** Reads the metrics, strictly. */
  readonly scrape: () => Promise<ReadonlyMap<string, ParsedFamily>>;
  /** What it wrote so far: its log, and what is sent to the console. */
  readonly output: () => string;
  /** SIGTERM; resolves with the exit code. */
  readonly end: () => Promise<number | null>;
}

/** Starts one for the time of the test. */
export async function startControlPlane(
  t: ExecutionContext,
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<StartedControlPlane> {
  const folder = await temporaryFolder(t);
  const dataDir = join(folder, 'data');
  const file = join(folder, 'host.json');
  const clickhouse = { url: 'http://127.0.0.1:9', username: 'u', password: 'p', database: 'c' };
  await writeFile(
    file,
    JSON.stringify({ dataDir, token, clickhouse, logLevel: 'error', ...config }),
  );
  const child = spawn(process.execPath, [program, '--config', file], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited: Promise<unknown> = once(child, 'close');
  let log = '';
  child.stdout.on('data', (data: Buffer) => (log += data.toString()));
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const announcement = join(dataDir, 'host.json');
  const isThere = (): Promise<boolean> =>
    access(announcement).then(
      () => true,
      () => false,
    );
  await until(async () => child.exitCode !== null || (await isThere()));
  if (child.exitCode !== null) throw new Error(log);
  const { url } = announced.parse(JSON.parse(await readFile(announcement, 'utf8')));
  const headers = { authorization: `Bearer ${token}` };
  return {
    url,
    headers,
    publish: async (event) => {
      const response = await fetch(`${url}/broker`, {
        method: 'POST',
        headers: { ...headers, ...eventHeaders(event) },
        body: new Uint8Array(event.data),
      });
      return response.status;
    },
    apply: async (plural, name, document) => {
      const path = `/apis/clover.dev/v1alpha1/namespaces/shop/${plural}/${name}`;
      const response = await fetch(`${url}${path}`, {
        method: 'PUT',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(document),
      });
      return response.status;
    },
    scrape: async () => {
      const response = await fetch(`${url}/metrics`, { headers });
      return parsePrometheus(await response.text());
    },
    output: () => log,
    end: async () => {
      child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
  };
}
