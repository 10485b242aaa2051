import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { encodeSpoolFile, formatSpoolName, parseSpoolName } from '../../agent/spool-file.ts';
import { makeNetwork } from '../bench/lib/network.ts';
import { startNginx } from '../bench/lib/nginx.ts';
import { failAgent, runAgent, type RunningAgent } from './helpers/agent-process.ts';
import { startControlPlane, tap, type ControlPlane } from './helpers/control-plane.ts';
import { eventually } from './helpers/test-agent.ts';

interface Bed {
  readonly dir: string;
  readonly plane: ControlPlane;
  start(pods: readonly object[]): Promise<RunningAgent>;
}

const makeBed = async (t: ExecutionContext): Promise<Bed> => {
  const dir = await mkdtemp(join(tmpdir(), 'clover-agent-'));
  const plane = await startControlPlane();
  t.teardown(async () => {
    await plane.down();
    await rm(dir, { recursive: true, force: true });
  });
  return {
    dir,
    plane,
    async start(pods) {
      const podsFile = join(dir, 'pods.json');
      await writeFile(podsFile, JSON.stringify({ pods }));
      const agent = await runAgent(dir, {
        node: { uid: 'node-1', name: 'first' },
        podsFile,
        controlPlane: { url: plane.url, token: 'secret' },
        listen: { port: 0 },
        spool: { dir: join(dir, 'spool') },
      });
      t.teardown(async () => {
        agent.process.kill('SIGKILL');
        await agent.ended;
      });
      return agent;
    },
  };
};

/** As an agent leaves it that was killed before it could send. */
const leaveBatch = async (dir: string): Promise<void> => {
  const body = zstdCompressSync(Buffer.alloc(64));
  const name = { startedMs: 1_700_000_000_000, boot: '00112233445566aa', sequence: 3, spans: 1 };
  const header = {
    source: '/nodes/node-1/00112233445566aa',
    id: '3',
    time: '2026-01-01T00:00:00Z',
    spans: 1,
    watermarkMs: 5,
    loss: '',
    bytes: body.length,
  };
  await mkdir(join(dir, 'spool'), { recursive: true });
  await writeFile(join(dir, 'spool', formatSpoolName(name)), encodeSpoolFile(header, body));
};

test('a broken configuration ends the process with 2 and names the key', async (t) => {
  const bed = await makeBed(t);
  const { code, stderr } = await failAgent(bed.dir, '{"spool":{"dir":"x","limit":1}}');
  t.is(code, 2);
  t.regex(stderr, /spool\.limit: unknown key/);
});

test.serial('leftovers go out at the start, and SIGTERM ends with 0', async (t) => {
  const bed = await makeBed(t);
  await leaveBatch(bed.dir);
  const agent = await bed.start([]);
  t.is((await fetch(`${agent.url}/health/live`)).status, 200);
  await eventually('delivery', () => bed.plane.storedSpans().size === 1);
  t.deepEqual([...bed.plane.storedSpans().keys()], ['/nodes/node-1/00112233445566aa 3']);
  agent.process.kill('SIGTERM');
  t.is(await agent.ended, 0);
});

test.serial('a second SIGTERM ends at once', async (t) => {
  const bed = await makeBed(t);
  await leaveBatch(bed.dir);
  bed.plane.answer('/functions/ingest', () => ({ status: 503, headers: { 'retry-after': '1' } }));
  const agent = await bed.start([]);
  await eventually('a refusal', () =>
    bed.plane.received.some(({ path }) => path === '/functions/ingest'),
  );
  agent.process.kill('SIGTERM');
  await eventually('the end of readiness', async () => {
    const answer = await fetch(`${agent.url}/health/ready`).catch(() => undefined);
    return answer?.status !== 200;
  });
  agent.process.kill('SIGTERM');
  t.is(await agent.ended, 1);
});

/** nginx in a namespace, its pod for the directory, and requests from another namespace. */
const serve = async (t: ExecutionContext, dir: string) => {
  const network = await makeNetwork();
  t.teardown(() => network.remove());
  const nginx = await startNginx(network.server, dir);
  t.teardown(() => nginx.stop());
  const url = `http://${network.server.address}:${nginx.port}/index.html`;
  return {
    nginx,
    pod: {
      namespace: 'shop',
      name: 'web-0',
      uid: 'uid-web-0',
      labels: { app: 'web', version: 'v7' },
      interface: network.server.hostInterface,
      addresses: [network.server.address],
    },
    request: async (count: number): Promise<void> => {
      const script = `for (let i = 0; i < ${count}; i += 1) await (await fetch('${url}')).text();`;
      const command = [process.execPath, '--input-type=module', '-e', script];
      await promisify(execFile)(...network.client.inside(command));
    },
  };
};

const ledgerView = z.object({
  unexplained: z.number(),
  attachments: z.object({ attached: z.number() }),
  capture: z.object({
    requests: z.object({ seen: z.number(), spans: z.number(), open: z.number() }),
  }),
  sink: z.object({
    accepted: z.object({ spans: z.number() }),
    pending: z.object({ spans: z.number() }),
  }),
});

const ledgerOf = async (agent: RunningAgent) =>
  ledgerView.parse(await (await fetch(`${agent.url}/ledger`)).json());

test.serial('real requests become spans, to the request', async (t) => {
  const bed = await makeBed(t);
  const { nginx, pod, request } = await serve(t, bed.dir);
  bed.plane.setTaps([tap('shop', { app: 'web' }, [nginx.port])]);
  const agent = await bed.start([pod]);
  await eventually('attached', async () => (await ledgerOf(agent)).attachments.attached === 1);

  await request(50);
  t.is(await nginx.requests(), 50);
  await eventually('acceptance', async () => (await ledgerOf(agent)).sink.accepted.spans === 50);
  const books = await ledgerOf(agent);
  t.is(books.unexplained, 0);
  t.deepEqual(books.capture.requests, { seen: 50, spans: 50, open: 0 });
  const bodies = bed.plane.received
    .filter(({ path }) => path === '/functions/ingest')
    .map(({ body }) => zstdDecompressSync(body).toString('latin1'));
  t.true(bodies.every((body) => body.includes('uid-web-0') && body.includes('v7')));
  agent.process.kill('SIGTERM');
  t.is(await agent.ended, 0);
});

test.serial(
  'after SIGKILL the next start delivers what was spooled, as the old boot',
  async (t) => {
    const bed = await makeBed(t);
    const { nginx, pod, request } = await serve(t, bed.dir);
    let down = true;
    bed.plane.answer('/functions/ingest', () => ({ status: down ? 503 : 200 }));
    bed.plane.setTaps([tap('shop', {}, [nginx.port])]);
    const killed = await bed.start([pod]);
    await eventually('attached', async () => (await ledgerOf(killed)).attachments.attached === 1);
    await request(20);
    await eventually('spooling', async () => (await ledgerOf(killed)).sink.pending.spans === 20);
    await eventually('the disk', async () => (await spooledSpans(bed.dir)) === 20);
    killed.process.kill('SIGKILL');
    t.is(await killed.ended, 'SIGKILL');

    down = false;
    await bed.start([pod]);
    const stored = (): number =>
      bed.plane.received
        .filter(({ path, status }) => path === '/functions/ingest' && status === 200)
        .filter(({ headers }) => headers['ce-source'] === killed.source)
        .reduce((spans, { headers }) => spans + Number(headers['ce-cloverspans']), 0);
    await eventually('delivery', () => stored() === 20);
    await eventually('an empty spool', async () => (await spooledSpans(bed.dir)) === 0);
    t.is(stored(), 20);
  },
);

const spooledSpans = async (dir: string): Promise<number> => {
  const files = await readdir(join(dir, 'spool'));
  return files.reduce((spans, file) => spans + (parseSpoolName(file)?.spans ?? 0), 0);
};
