import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { eventHeaders } from '../../../functions/lib/event-headers.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventOf, temporaryFolder, until } from './helpers.ts';

const token = 'a-token-for-the-tests';
const program = fileURLToPath(new URL('fixtures/served-process.ts', import.meta.url));

interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  readonly log: () => string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

async function start(t: ExecutionContext, folder: string): Promise<Served> {
  const child = spawn(process.execPath, [program, folder, token], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  const ended = once(child, 'close').then(() => child.signalCode ?? child.exitCode);
  const first: unknown[] = await once(createInterface(child.stdout), 'line');
  return { url: String(first[0]), child, log: () => log, ended };
}

/**
 * Status, and whether the host wants the connection to end. Status 0: the host had closed the kept
 * connection before the request came (RFC 9112 §9.3.1), so it was never accepted.
 */
function post(
  url: string,
  event: CloudEvent,
  agent: Agent,
): Promise<{ status: number; last: boolean }> {
  const [headers, body] = [eventHeaders(event), event.data];
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, authorization: `Bearer ${token}`, 'content-length': body.length },
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      const closed = call.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '');
      if (closed) resolve({ status: 0, last: true });
      else reject(error);
    });
    call.on('response', (response) => {
      response.resume();
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          last: response.headers.connection === 'close',
        }),
      );
    });
    call.end(body);
  });
}

const lines = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');

test.serial(
  'SIGTERM under load fails no request, and ends with 0 after the functions closed',
  async (t) => {
    const folder = await temporaryFolder(t);
    const { url, child, ended, log } = await start(t, folder);
    const statuses: number[] = [];
    const sent: string[] = [];
    const refused: string[] = [];
    /** Goes on until the host says goodbye, as a polite caller does. */
    const client = async (index: number): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let count = 0, last = false; !last; count += 1) {
        const id = `${index}-${count}`;
        const slow = index % 2 === 0;
        const target = slow ? `${url}/functions/f` : `${url}/broker`;
        const answer = await post(
          target,
          eventOf({ id, type: slow ? 'slow' : 'test.event' }),
          agent,
        );
        statuses.push(answer.status);
        sent.push(id);
        ({ last } = answer);
      }
      agent.destroy();
    };
    const clients = Promise.all(Array.from({ length: 8 }, (_, index) => client(index)));
    await until(() => statuses.length > 40);
    child.kill('SIGTERM');
    await clients;
    t.is(await ended, 0, log());
    t.deepEqual(
      statuses.filter((status) => ![0, 202, 204].includes(status)),
      [],
    );
    t.deepEqual(await lines(join(folder, 'closed')), ['f']);

    // Deliveries that were not begun are in the queue, and the next start makes them.
    const next = await start(t, folder);
    await until(async () => {
      const handled = new Set(await lines(join(folder, 'handled')));
      return sent.every((id) => handled.has(id));
    });
    next.child.kill('SIGTERM');
    t.is(await next.ended, 0);
    const handled = new Set(await lines(join(folder, 'handled')));
    t.deepEqual(
      refused.filter((id) => handled.has(id)),
      [],
    );
  },
);

test.serial('a second SIGTERM ends at once and says how many were cut', async (t) => {
  const folder = await temporaryFolder(t);
  const { url, child, ended, log } = await start(t, folder);
  const agent = new Agent();
  const cut = t.throwsAsync(post(`${url}/functions/f`, eventOf({ type: 'endless' }), agent));
  await until(async () => {
    // Answered only after the endless one reached its handler: same connection order does not matter.
    await post(`${url}/functions/f`, eventOf({ id: 'probe', type: 'slow' }), agent);
    return (await lines(join(folder, 'handled'))).includes('probe');
  });
  child.kill('SIGTERM');
  await until(() => log().includes('draining'));
  child.kill('SIGTERM');
  t.is(await ended, 1);
  t.regex(log(), /"cut":[1-9]/);
  await cut;
});

test.serial('no accepted event is lost over SIGKILLs at random instants', async (t) => {
  const folder = await temporaryFolder(t);
  const accepted = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    const { url, child, ended } = await start(t, folder);
    const killed = new AbortController();
    const client = async (index: number): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let count = 0; !killed.signal.aborted; count += 1) {
        const id = `${round}-${index}-${count}`;
        const answer = await post(`${url}/broker`, eventOf({ id }), agent).catch(() => undefined);
        if (answer?.status === 202) accepted.add(id);
      }
      agent.destroy();
    };
    const clients = [0, 1, 2, 3].map((index) => client(index));
    await delay(20 + Math.random() * 150);
    child.kill('SIGKILL');
    t.is(await ended, 'SIGKILL');
    killed.abort();
    await Promise.all(clients);
  }
  t.true(accepted.size > 0);
  const last = await start(t, folder);
  await until(async () => {
    const handled = new Set(await lines(join(folder, 'handled')));
    return [...accepted].every((id) => handled.has(id));
  });
  last.child.kill('SIGTERM');
  t.is(await last.ended, 0);
  t.log(`${accepted.size} accepted events, all handled`);
});
