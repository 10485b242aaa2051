import { readFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:http';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

// ready.mjs PART FILE: ends with 0 as soon as the part whose configuration is FILE is ready. Who calls it has the time limit.

const listen = z.object({
  listen: z.object({ host: z.string().default('127.0.0.1'), port: z.int().min(1) }),
});

const byListen = (file: unknown): RequestOptions => {
  const { host, port } = listen.parse(file).listen;
  // All addresses of a machine are no address of it.
  const wild = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host];
  return { host: wild ?? host, port, path: '/health/ready' };
};

const probes: Readonly<Record<string, (file: unknown) => RequestOptions>> = {
  agent: byListen,
  clickhouse: (file) => ({
    host: '127.0.0.1',
    port: z.object({ port: z.int() }).parse(file).port,
    path: '/ping',
  }),
  'control-plane': byListen,
  envoy: (file) => {
    const address = z.object({ pipe: z.object({ path: z.string() }) });
    const { admin } = z.object({ admin: z.object({ address }) }).parse(file);
    return { socketPath: admin.address.pipe.path, path: '/ready' };
  },
};

function isReady(options: RequestOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...options, agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.on('close', () => resolve(false));
    asked.end();
  });
}

async function main([part = '', file = '']: readonly string[]): Promise<void> {
  const probe = probes[part];
  if (probe === undefined) {
    throw new Error(`usage: ready.mjs ${Object.keys(probes).join('|')} FILE`);
  }
  const options = probe(JSON.parse(readFileSync(file, 'utf8')));
  while (!(await isReady(options))) await sleep(50);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
