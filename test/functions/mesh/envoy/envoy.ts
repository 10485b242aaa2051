import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, createServer, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../../../functions/lib/clock.ts';
import type { TrafficPolicySpec } from '../../../../knative/resources/traffic-policy.ts';
import { envoyArguments, envoyBootstrap } from '../../../../functions/mesh/envoy/bootstrap.ts';
import { createEnvoyValidator } from '../../../../functions/mesh/envoy/validator.ts';
import { createFileXdsGateway } from '../../../../functions/mesh/envoy/file-xds-gateway.ts';
import type { Gateway } from '../../../../functions/mesh/envoy/gateway.ts';
import { freePort } from '../../../../functions/lib/free-port.ts';

/** The Envoy that set-up installs, or the one named by CLOVER_ENVOY. */
export const envoyBinary =
  process.env['CLOVER_ENVOY'] ?? join(import.meta.dirname, '../../../../.cache/envoy/envoy');

/** Why tests with Envoy cannot run; undefined when they can. */
export const envoyMissing = existsSync(envoyBinary)
  ? undefined
  : `no Envoy at ${envoyBinary}: run the set-up, or set CLOVER_ENVOY`;

const nothingRuns = async (): Promise<void> => {};

/** A gateway with its files, and an Envoy that can be started and stopped. */
export interface EnvoyStand {
  readonly gateway: Gateway;
  readonly xdsDir: string;
  readonly adminSocket: string;
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Prepares everything but the start of Envoy; all of it goes when the test ends. */
export async function envoyStand(t: ExecutionContext): Promise<EnvoyStand> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-envoy-'));
  const xdsDir = join(folder, 'xds');
  const adminSocket = join(folder, 'admin.sock');
  const bootstrapFile = join(folder, 'envoy.json');
  const gateway = createFileXdsGateway({
    xdsDir,
    adminSocket,
    clock: systemClock,
    explain: createEnvoyValidator({ binary: envoyBinary }),
    acknowledgeMs: 20_000,
  });
  const bootstrap = envoyBootstrap({ nodeId: 'test', xdsDir, adminSocket });
  await writeFile(bootstrapFile, JSON.stringify(bootstrap));
  let stopRunning = nothingRuns;

  const start = async (): Promise<void> => {
    const child = spawn(envoyBinary, envoyArguments({ bootstrapFile, concurrency: 1 }), {
      stdio: 'ignore',
    });
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    stopRunning = async () => {
      stopRunning = nothingRuns;
      child.kill('SIGKILL');
      await exited;
      await rm(adminSocket, { force: true });
    };
    for (let attempt = 0; attempt < 1_000 && !existsSync(adminSocket); attempt += 1)
      await delay(20);
  };
  t.teardown(async () => {
    await stopRunning();
    gateway.close();
    await rm(folder, { recursive: true, force: true });
  });
  const port = await freePort();
  return { gateway, xdsDir, adminSocket, port, start, stop: async () => stopRunning() };
}

/** What one upstream saw. */
export interface Upstream {
  readonly port: number;
  /** Stamps of its requests, in order. */
  readonly stamps: string[];
}

/** A server that notes the stamp of each request and answers with its name and a made-up stamp. */
export async function upstream(t: ExecutionContext, name: string): Promise<Upstream> {
  const stamps: string[] = [];
  const server = createServer((incoming, response) => {
    stamps.push(String(incoming.headers['x-clover-arm']));
    response.setHeader('x-clover-arm', 'made.1.up');
    response.end(name);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: portOf(server.address()), stamps };
}

/** Versions of a policy, one per upstream: v1, v2, … */
export function versionsOf(upstreams: readonly Upstream[]): TrafficPolicySpec['versions'] {
  return upstreams.map(({ port }, index) => ({
    name: `v${index + 1}`,
    endpoints: [{ address: '127.0.0.1', port }],
  }));
}

/** One answer. */
export interface Answer {
  readonly status: number;
  readonly stamp: string;
  readonly body: string;
  /** Milliseconds until the headers. */
  readonly took: number;
}

/** A client with kept connections. */
export function client(
  t: ExecutionContext,
  port: number,
): (path?: string, headers?: IncomingHttpHeaders) => Promise<Answer> {
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  return async (path = '/', headers = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const began = performance.now();
    const call = request({ host: '127.0.0.1', port, path, headers, agent });
    call.on('error', reject);
    call.on('response', (response) => {
      const took = performance.now() - began;
      const stamp = String(response.headers['x-clover-arm']);
      const status = response.statusCode ?? 0;
      text(response).then((body) => resolve({ status, stamp, body, took }), reject);
    });
    call.end();
    return promise;
  };
}

/**
 * Asks until the answer is as wanted, and gives the last answer. Envoy acknowledges on its main
 * thread; its workers follow a moment later.
 */
export async function until(
  get: () => Promise<Answer>,
  wanted: (answer: Answer) => boolean,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await get();
    if (wanted(answer) || attempt === 200) return answer;
    await delay(10);
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}
