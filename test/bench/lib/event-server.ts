import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../functions/lib/free-port.ts';

/** A program that answers events at `/` of the port in its environment. */
export interface EventProgram {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** It does not take the event: that it is refused is an answer, too. */
  readonly refuses?: true;
}

/** A running one. */
export interface EventServer {
  readonly port: number;
  /** From the start of the process to the first event that was answered, with 2xx where it is taken. */
  readonly readyMs: number;
  /** Resident memory, MiB. */
  rssMiB(): Promise<number>;
  stop(): Promise<void>;
}

/** Headers of the event that all of them take. */
export const eventHeaders = {
  'ce-specversion': '1.0',
  'ce-id': '1',
  'ce-source': '/bench',
  'ce-type': 'com.example.hello.v1',
  'content-type': 'application/octet-stream',
} as const;

/** Its data: 1 KiB. */
export const eventData = 'x'.repeat(1_024);

const readyWithinMs = 20_000;
const askEveryMs = 1;

/** Starts Node on the program and asks until it answers. */
export async function startEventServer({
  name,
  args,
  env,
  refuses,
}: EventProgram): Promise<EventServer> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    env: { ...process.env, PORT: String(port), FUNC_PORT: String(port), ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const below = refuses === true ? 500 : 300;
  while (!(await answers(port, below))) {
    if (child.exitCode !== null || performance.now() - began > readyWithinMs) {
      child.kill('SIGKILL');
      throw new Error(`${name} does not answer`);
    }
    await sleep(askEveryMs);
  }
  const readyMs = performance.now() - began;
  return { port, readyMs, rssMiB: () => rssOf(child), stop: () => kill(child) };
}

/** Milliseconds from the start to the end of a process that does nothing. */
export async function emptyProcessMs(): Promise<number> {
  const began = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - began;
}

function answers(port: number, below: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = {
      port,
      host: '127.0.0.1',
      method: 'POST',
      headers: eventHeaders,
      agent: false,
    };
    const asked = request(options, (response) => {
      response.resume();
      const { statusCode = 500 } = response;
      resolve(statusCode >= 200 && statusCode < below);
    });
    asked.on('error', () => resolve(false));
    asked.end(eventData);
  });
}

async function rssOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
}

async function kill(child: ChildProcess): Promise<void> {
  const exit: Promise<unknown> = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
