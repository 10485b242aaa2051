import { spawn } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Figures } from './lib/bench.ts';
import { end } from './lib/command.ts';
import { eventData, eventHeaders } from './lib/event-server.ts';
import { createPosts, type Posts } from './lib/posts.ts';

const token = 'a-token-for-the-bench';
const { 'ce-id': _, ...sameHeaders } = eventHeaders;
const headers = { ...sameHeaders, authorization: `Bearer ${token}` };
const rounds = 5;
const roundMs = 3_000;
/** Callers at full speed, each with one event under way. */
const callers = 64;
/** Events per second of the round with a pace, where delays are asked for. */
const pace = 3_000;

/**
 * 1 KiB events through `POST /broker` (committed with a sync to disk before the 202) to a handler: how many per second at
 * full speed, and how long they take at a steady pace. Beside it, in the same run, how often this disk syncs in a second:
 * what a broker could do that commits each event alone.
 */
export async function benchBroker(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  const dir = await mkdtemp(join(tmpdir(), 'clover-bench-'));
  const program = fileURLToPath(new URL('lib/broker-process.ts', import.meta.url));
  const child = spawn(process.execPath, [program, join(dir, 'broker.db'), token], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let posts: Posts | undefined;
  try {
    const reader = createInterface(child.stdout);
    const line = (): Promise<string> =>
      new Promise((resolve) => {
        reader.once('line', resolve);
      });
    const url = await line();
    const delays = async (): Promise<number[]> => {
      const answer = line();
      child.stdin.write('\n');
      return numbers(JSON.parse(await answer));
    };
    posts = createPosts(new URL('/broker', url), headers, eventData);
    const post = poster(posts);
    const speeds: number[] = [];
    const syncs: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      signal.throwIfAborted();
      syncs.push(syncsPerSecond(join(dir, 'sync')));
      await delays();
      const began = performance.now();
      const { sent } = await fullSpeed(post, roundMs);
      for (let arrived = 0; arrived < sent; await sleep(5)) arrived += (await delays()).length;
      speeds.push((sent / (performance.now() - began)) * 1_000);
      progress(
        `round ${round}/${rounds}: ${speeds.at(-1)?.toFixed(0)} events/s, ${syncs.at(-1)?.toFixed(0)} syncs/s`,
      );
    }
    await delays();
    const acks = await steady(post, roundMs);
    await sleep(1_000);
    const taken = await delays();
    if (taken.length !== acks.length) throw new Error(`${acks.length} sent, ${taken.length} taken`);
    return {
      eventsPerSecond: quantile(speeds, 0.5),
      syncsPerSecond: quantile(syncs, 0.5),
      pacePerSecond: pace,
      ackP50Ms: quantile(acks, 0.5),
      ackP99Ms: quantile(acks, 0.99),
      deliveryP50Ms: quantile(taken, 0.5),
      deliveryP99Ms: quantile(taken, 0.99),
    };
  } finally {
    posts?.close();
    await end(child);
    await rm(dir, { recursive: true, force: true });
  }
}

type Post = () => Promise<void>;

function poster(posts: Posts): Post {
  let count = 0;
  return () => {
    count += 1;
    return posts.post(`ce-id: ${count}\r\nce-time: ${new Date().toISOString()}\r\n`);
  };
}

async function fullSpeed(post: Post, ms: number): Promise<{ readonly sent: number }> {
  let sent = 0;
  const until = performance.now() + ms;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      await post();
      sent += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { sent };
}

/** Milliseconds to the answer of each event, sent at a steady pace whatever the answers take. */
async function steady(post: Post, ms: number): Promise<number[]> {
  const acks: Promise<number>[] = [];
  const began = performance.now();
  for (let passed = 0; passed < ms; passed = performance.now() - began) {
    while (acks.length < (passed * pace) / 1_000) {
      // From when it was due, not from when this process came to it: its own stalls count as well.
      const due = began + (acks.length * 1_000) / pace;
      acks.push(post().then(() => performance.now() - due));
    }
    await sleep(1);
  }
  return Promise.all(acks);
}

function syncsPerSecond(path: string): number {
  const file = openSync(path, 'w');
  const began = performance.now();
  let syncs = 0;
  for (; performance.now() - began < 500; syncs += 1) {
    writeSync(file, eventData);
    fdatasyncSync(file);
  }
  closeSync(file);
  return (syncs / (performance.now() - began)) * 1_000;
}

function numbers(value: unknown): number[] {
  if (!Array.isArray(value)) throw new TypeError('not a list');
  const items: unknown[] = value;
  return items.map(Number);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
