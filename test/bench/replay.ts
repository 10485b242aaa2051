import { readCapture } from '../../cloverctl/trace/read-capture.ts';
import { createFileReplay } from '../../native/capture/capture.ts';
import { packetsOf, pcapFile } from '../native/capture/capture-file.ts';
import { segmentsOf, type Exchange } from '../native/capture/conversation.ts';
import type { Figures } from './lib/bench.ts';
import { median } from './lib/median.ts';

const connections = 500;
const requestsEach = 192;
const rounds = 5;
const chunkBytes = 1024 * 1024;

const request = (path: string, trace: number): Buffer =>
  Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      'Host: cart.shop.svc.cluster.local',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64) bench',
      'Accept: application/json',
      'Accept-Encoding: gzip, deflate, br',
      `traceparent: 00-${trace.toString(16).padStart(32, '0')}-00f067aa0ba902b7-01`,
      '\r\n',
    ].join('\r\n'),
  );

const response = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Server: nginx/1.22.1',
    'Date: Fri, 27 Nov 2026 08:00:00 GMT',
    'Content-Type: application/json',
    'Content-Length: 0',
    'Connection: keep-alive',
    '\r\n',
  ].join('\r\n'),
);

const exchange = (path: string, trace: number): Exchange => ({
  request: request(path, trace),
  response,
  method: 'GET',
  path,
  status: 200,
  requestBytes: 0,
  responseBytes: 0,
});

/** Heads alone: a packet each, on connections that take turns. `pipelined`: so many requests one behind the other. */
function capture(pipelined: number): Buffer {
  const packets = Array.from({ length: connections }, (_, index) => {
    const all = Array.from({ length: requestsEach }, (__, n) =>
      exchange(`/items/${n}`, index * requestsEach + n + 1),
    );
    const groups = Array.from({ length: requestsEach / pipelined }, (__, n) =>
      all.slice(n * pipelined, (n + 1) * pipelined),
    );
    return packetsOf(
      segmentsOf(groups, {
        clientIsn: 1_000,
        serverIsn: 2_000,
        cuts: [65_000],
        peerPort: 10_000 + index,
        stepNs: 100_000n,
      }),
    );
  });
  const turns = packets[0]?.map((_, turn) => packets.flatMap((own) => own.slice(turn, turn + 1)));
  return pcapFile(turns?.flat() ?? []);
}

/** CPU seconds of this process, of all its threads. */
async function cpuSeconds(work: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function replay(file: Buffer): number {
  const core = createFileReplay({ boot: '0000000000000001', onBatch: () => undefined });
  for (let at = 0; at < file.length; at += chunkBytes)
    core.feed(file.subarray(at, at + chunkBytes));
  core.end();
  const { spans } = core.ledger().requests;
  core.close();
  return spans;
}

async function* chunksOf(file: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += chunkBytes) yield file.subarray(at, at + chunkBytes);
}

/**
 * HTTP/1 requests of a capture file per second and core, heads alone: through the core to encoded spans, the same with 16 requests
 * in a segment, and through all of `cloverctl trace --json` but its output.
 */
export async function benchReplay(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  const total = connections * requestsEach;
  const files = { core: capture(1), pipelined: capture(16) };
  const figures: Record<string, number> = {};
  const measure = async (name: string, work: () => Promise<void> | void): Promise<void> => {
    const rates: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      signal.throwIfAborted();
      rates.push(total / (await cpuSeconds(work)));
    }
    figures[name] = median(rates);
    progress(`${name}: ${Math.round(figures[name] ?? 0)} requests/s/core`);
  };
  for (const [name, file] of Object.entries(files))
    await measure(name, () => {
      if (replay(file) !== total) throw new RangeError('not every request became a span');
    });
  await measure('trace', async () => {
    let lines = 0;
    const reading = readCapture(chunksOf(files.core), signal);
    for await (const _ of reading.lines) lines += 1;
    if (lines !== total) throw new RangeError('not every request became a line');
  });
  return {
    requestsPerSecondPerCore: figures['core'] ?? 0,
    requestsPerSecondPerCoreOf: figures,
    megabytes: files.core.length / 1e6,
  };
}
