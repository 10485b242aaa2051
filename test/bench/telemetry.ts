import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundle } from '../../infra/images/bundle.ts';
import { hello } from '../../infra/images/main.ts';
import type { Figures } from './lib/bench.ts';
import { startEventServer } from './lib/event-server.ts';
import { median } from './lib/median.ts';

const starts = 11;

/**
 * What telemetry costs a function that does nothing, bundled: time to the first answer and memory, with nothing of
 * OpenTelemetry, and with spans that go to a receiver on loopback. The two take turns.
 */
export async function benchTelemetry(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-bench-'));
  let received = 0;
  const receiver = createServer((request, response) => {
    received += 1;
    request.resume().once('end', () => response.end());
  });
  const receivedSoFar = (): number => received;
  try {
    const port = await new Promise<number>((resolve, reject) => {
      receiver.listen(0, '127.0.0.1', () => {
        const address = receiver.address();
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('not a TCP port'));
      });
    });
    const { args, env: off } = await bundle(hello, join(folder, 'hello'));
    const sending = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_BSP_SCHEDULE_DELAY: '20',
    };
    const found = { off: emptySamples(), on: emptySamples() };
    for (let start = 0; start < starts; start += 1) {
      for (const [name, env] of Object.entries({ off, on: { ...off, ...sending } })) {
        signal.throwIfAborted();
        const before = received;
        const server = await startEventServer({ name, args, env });
        // Memory counts once the SDK is there and has sent something.
        const wanted = name === 'on' ? before + 1 : before;
        while (receivedSoFar() < wanted) await sleep(20, undefined, { signal });
        const { readyMs, rssMiB } = found[name === 'on' ? 'on' : 'off'];
        readyMs.push(server.readyMs);
        rssMiB.push(await server.rssMiB());
        await server.stop();
      }
      progress(`start ${start + 1}/${starts}`);
    }
    return {
      readyMs: medians(found, 'readyMs'),
      rssMiB: medians(found, 'rssMiB'),
    };
  } finally {
    receiver.close();
    receiver.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Samples {
  readonly readyMs: number[];
  readonly rssMiB: number[];
}

const emptySamples = (): Samples => ({ readyMs: [], rssMiB: [] });

function medians(
  { off, on }: { readonly off: Samples; readonly on: Samples },
  figure: keyof Samples,
): Readonly<Record<string, number>> {
  return { off: median(off[figure]), on: median(on[figure]) };
}
