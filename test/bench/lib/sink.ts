import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { end } from './command.ts';

/** What the sink's process got so far. */
export const sinkCounts = z.strictObject({
  port: z.int(),
  batches: z.int(),
  spans: z.int(),
  bytes: z.int(),
  reports: z.int(),
});

/** What the sink's process got so far. */
export type SinkCounts = z.output<typeof sinkCounts>;

/** A control plane that counts and discards, in a process of its own. */
export interface Sink {
  readonly url: string;
  /** Replaces the taps, and returns the counts so far. */
  setTaps(taps: readonly object[]): Promise<SinkCounts>;
  counts(): Promise<SinkCounts>;
  stop(): Promise<void>;
}

/** Starts the process. */
export async function startSink(): Promise<Sink> {
  const child = fork(fileURLToPath(new URL('sink-process.ts', import.meta.url)));
  const ask = async (message: object): Promise<SinkCounts> => {
    const answer = new Promise<unknown>((resolve, reject) => {
      const onExit = (): void => reject(new Error('the sink has ended'));
      child.once('exit', onExit);
      child.once('message', (counts) => {
        child.off('exit', onExit);
        resolve(counts);
      });
    });
    child.send(message);
    return sinkCounts.parse(await answer);
  };
  const { port } = await ask({});
  return {
    url: `http://127.0.0.1:${port}`,
    setTaps: (taps) => ask({ taps }),
    counts: () => ask({}),
    stop: () => end(child),
  };
}
