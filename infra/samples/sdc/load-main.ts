// The load generator, a process of its own so that it can live in the client's network namespace, or
// in a pod: node load-main.ts PLAN, with a LoadPlan in JSON. Writes a LoadReport as a line of JSON each
// second. Ends by its bounds, by SIGTERM, or when the pipe at its standard input closes (so never
// later than its parent): it sends nothing more, waits for what is open, and writes one last, exact
// report.
import { randomBytes } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { Agent, request } from 'node:http';
import process from 'node:process';
import { armHeader } from '../../../functions/lib/arm-stamp.ts';
import { loadPlan } from './load-report.ts';
import { createTally } from './load-tally.ts';

const plan = loadPlan.parse(JSON.parse(process.argv[2] ?? '{}'));
const tally = createTally();
const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
const startedAt = performance.now();
/** Someone holds the other end of its input; in a container that is /dev/null. */
const hasParent = isPipe(0);
let planned = 0;
let stopping = false;

const wallClock = (): number => performance.timeOrigin + performance.now();
const write = (final: boolean): void => {
  process.stdout.write(`${JSON.stringify(tally.report(wallClock(), final))}\n`);
};

function send(plannedAt: number, path: string): void {
  tally.sent();
  const sentAt = wallClock();
  let ended = false;
  const fail = (code: string): void => {
    if (!ended) tally.failed(code);
    ended = true;
    finishIfDone();
  };
  const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  const outgoing = request({
    host: plan.host,
    port: plan.port,
    path,
    agent,
    timeout: plan.timeoutMs,
    headers: { traceparent },
  });
  outgoing.on('timeout', () =>
    outgoing.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })),
  );
  outgoing.on('response', (response) => {
    const headAt = wallClock();
    const stamp = response.headers[armHeader];
    response.resume();
    // `close` comes after `end` and after a break alike, once.
    response.on('close', () => {
      if (ended) return;
      ended = true;
      tally.answered({
        stamp: typeof stamp === 'string' ? stamp : '',
        status: response.statusCode ?? 0,
        broken: !response.complete,
        sentAt,
        headAt,
        ms: performance.now() - plannedAt,
      });
      finishIfDone();
    });
    // A break also reaches `error`; it is counted above.
    response.on('error', () => undefined);
    outgoing.removeAllListeners('error');
    outgoing.on('error', () => undefined);
  });
  outgoing.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'ERROR'));
  outgoing.end();
}

/** Open loop: what is due is sent, however many are open. */
function sendDue(): void {
  const elapsed = performance.now() - startedAt;
  const due = Math.min(Math.floor((elapsed * plan.rate) / 1_000) + 1, plan.maxRequests);
  for (; planned < due; planned += 1) {
    send(startedAt + (planned * 1_000) / plan.rate, plan.path.replace('{n}', String(planned)));
  }
  if (planned >= plan.maxRequests || elapsed >= plan.maxDurationMs) stop();
}

function stop(): void {
  if (stopping) return;
  stopping = true;
  clearInterval(pacer);
  finishIfDone();
}

function finishIfDone(): void {
  if (!stopping || tally.open() > 0 || process.exitCode !== undefined) return;
  process.exitCode = 0;
  clearInterval(reporter);
  write(true);
  agent.destroy();
  if (hasParent) process.stdin.destroy();
}

/** Node makes its pipes of sockets. */
function isPipe(descriptor: number): boolean {
  const file = fstatSync(descriptor);
  return file.isFIFO() || file.isSocket();
}

// As fine as timers are: what a request waits for its turn would count as its latency.
const pacer = setInterval(sendDue, 1);
const reporter = setInterval(() => write(false), 1_000);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
if (hasParent) {
  process.stdin.on('end', stop);
  process.stdin.on('error', stop);
  process.stdin.resume();
}
// Without a reader there is nobody to report to.
process.stdout.on('error', () => process.exit(1));
