import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { once } from 'node:events';

/** A line that has its place by time; of one time the line that came first is the first. */
export interface TimedLine {
  readonly ns: bigint;
  readonly line: string;
}

/** Lines that come nearly in order go out in order, whatever is held up, in bounded memory. */
export interface InOrder {
  add(line: TimedLine): void;
  /** Lines before this time: none of them comes any more. */
  before(ns: bigint): AsyncGenerator<string, void, void>;
  /** All that is left. */
  rest(): AsyncGenerator<string, void, void>;
  /** Removes what was written to the disk. */
  close(): Promise<void>;
}

/** So many lines are kept in memory; further ones wait in a file. About 1 KiB each. */
const keptLines = 50_000;

const byTime = (a: TimedLine, b: TimedLine): number => (a.ns < b.ns ? -1 : Number(a.ns > b.ns));

/** @param limit Lines in memory at most, apart from those that came since the last call of `before`. */
export function createInOrder(limit: number = keptLines): InOrder {
  let lines: TimedLine[] = [];
  let folder: string | undefined;
  let runs: string[] = [];
  let newest = -1n;

  async function spill(): Promise<void> {
    folder ??= await mkdtemp(join(tmpdir(), 'clover-trace-'));
    const path = join(folder, String(runs.length));
    const out = createWriteStream(path);
    for (const { ns, line } of lines) if (!out.write(`${ns} ${line}\n`)) await once(out, 'drain');
    out.end();
    await finished(out);
    const last = lines.at(-1)?.ns ?? newest;
    if (last > newest) newest = last;
    runs.push(path);
    lines = [];
  }

  async function* merged(): AsyncGenerator<string, void, void> {
    const sources = [...runs.map(linesOfRun), lines.values()];
    lines = [];
    for await (const { line } of merge(sources)) yield line;
    for (const path of runs) await rm(path);
    runs = [];
    newest = -1n;
  }

  return {
    add: (line) => lines.push(line),
    async *before(ns) {
      lines.sort(byTime);
      if (runs.length > 0 && newest < ns) {
        const later = lines.splice(indexFrom(lines, ns));
        yield* merged();
        lines = later;
      } else if (runs.length === 0) {
        for (const { line } of lines.splice(0, indexFrom(lines, ns))) yield line;
      }
      if (lines.length > limit) await spill();
    },
    async *rest() {
      lines.sort(byTime);
      yield* merged();
    },
    async close() {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Index of the first line at this time or later. */
function indexFrom(lines: readonly TimedLine[], ns: bigint): number {
  const found = lines.findIndex((one) => one.ns >= ns);
  return found < 0 ? lines.length : found;
}

async function* linesOfRun(path: string): AsyncGenerator<TimedLine, void, void> {
  for await (const text of createInterface({
    input: createReadStream(path),
    crlfDelay: Infinity,
  })) {
    const space = text.indexOf(' ');
    yield { ns: BigInt(text.slice(0, space)), line: text.slice(space + 1) };
  }
}

interface Head {
  readonly turn: number;
  readonly first: TimedLine;
}

/** Sorted sources as one; of equal times those of earlier sources come first. */
async function* merge(
  sources: readonly (AsyncIterator<TimedLine> | Iterator<TimedLine>)[],
): AsyncGenerator<TimedLine, void, void> {
  const heads: Head[] = [];
  const goesBefore = (a: Head, b: Head): boolean =>
    (byTime(a.first, b.first) || a.turn - b.turn) < 0;
  const push = async (turn: number): Promise<void> => {
    const next = await sources[turn]?.next();
    if (next === undefined || next.done === true) return;
    const head = { turn, first: next.value };
    // The next line of a source mostly is the next of all.
    let at = 0;
    while (at < heads.length && goesBefore(heads[at] ?? head, head)) at += 1;
    heads.splice(at, 0, head);
  };
  for (const turn of sources.keys()) await push(turn);
  for (let head = heads.shift(); head !== undefined; head = heads.shift()) {
    yield head.first;
    await push(head.turn);
  }
}
