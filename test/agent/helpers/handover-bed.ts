import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { type DecodedSpan, decodeSpans } from '../../native/capture/otlp.ts';
import { runAgent, type RunningAgent } from './agent-process.ts';
import { startControlPlane, tap, type ControlPlane, type Received } from './control-plane.ts';
import { makeSandbox } from './sandbox.ts';

/** A node with one pod, whose agents follow each other. */
export interface HandoverBed {
  readonly plane: ControlPlane;
  /** Of the pod's server. */
  readonly url: string;
  readonly start: () => Promise<RunningAgent>;
}

/** Makes a node; `server` is a module for Node that listens on port 8080. `capture`: of the agents' configuration. Needs root. */
export async function makeHandoverBed(
  t: ExecutionContext,
  server: string,
  capture: { readonly openTimeoutMs?: number } = {},
): Promise<HandoverBed> {
  t.timeout(120_000);
  const dir = await mkdtemp(join(tmpdir(), 'clover-handover-'));
  const plane = await startControlPlane();
  t.teardown(async () => {
    await plane.down();
    await rm(dir, { recursive: true, force: true });
  });
  const sandbox = await makeSandbox('5c7d1f0a-2222-4333-8444-0123456789ac', server);
  t.teardown(() => sandbox.remove());
  const pod = {
    namespace: 'shop',
    name: 'web',
    uid: 'u',
    labels: {},
    interface: sandbox.interface,
  };
  const podsFile = join(dir, 'pods.json');
  await writeFile(podsFile, JSON.stringify({ pods: [pod] }));
  plane.setTaps([tap('shop', {}, [8080])]);
  return {
    plane,
    url: sandbox.url,
    async start() {
      const agent = await runAgent(dir, {
        node: { uid: 'node-1', name: 'first' },
        podsFile,
        controlPlane: { url: plane.url, token: 'secret' },
        listen: { port: 0 },
        spool: { dir: join(dir, 'spool') },
        handoverSocket: join(dir, 'agent.sock'),
        capture: { ringBytes: 16 * 1024 * 1024, ...capture },
      });
      t.teardown(async () => {
        agent.process.kill('SIGKILL');
        await agent.ended;
      });
      return agent;
    },
  };
}

/** Whether the agent counts. */
export const isReady = async ({ url }: RunningAgent): Promise<boolean> =>
  (await fetch(`${url}/health/ready`).catch(() => undefined))?.status === 200;

const storedBatches = (plane: ControlPlane): Received[] =>
  plane.received.filter(({ path, status }) => path === '/functions/ingest' && status < 300);

/** By what the headers say: this process is the server, which has no time to answer while all bodies are read again and again. */
export const spansStored = (plane: ControlPlane): number =>
  storedBatches(plane).reduce((sum, { headers }) => sum + Number(headers['ce-cloverspans']), 0);

/** Names of the batches that were stored, and their spans. */
export function readStored(plane: ControlPlane): { batches: string[]; spans: DecodedSpan[] } {
  const stored = storedBatches(plane);
  return {
    batches: stored.map(
      ({ headers }) => `${String(headers['ce-source'])} ${String(headers['ce-id'])}`,
    ),
    spans: stored.flatMap(({ body }) => decodeSpans(zstdDecompressSync(body))),
  };
}

/** Whether it is attached to the pod. */
export const isAttached = async (agent: RunningAgent): Promise<boolean> => {
  const ledger = await (await fetch(`${agent.url}/ledger`)).text();
  return ledger.includes('"attached":1');
};

/** What it was not able to see, of all reports. */
export const lostOf = (plane: ControlPlane): string[] =>
  // A newcomer joins connections in the middle: bytes of what others have counted may be missing there.
  plane
    .reports()
    .flatMap(({ loss }) => Object.keys(loss ?? {}))
    .filter((cause) => !cause.startsWith('bytes.'));
