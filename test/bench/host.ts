import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../infra/images/bundle.ts';
import { hello } from '../../infra/images/main.ts';
import type { Figures } from './lib/bench.ts';
import { need, run } from './lib/command.ts';
import {
  emptyProcessMs,
  eventData,
  eventHeaders,
  startEventServer,
  type EventProgram,
  type EventServer,
} from './lib/event-server.ts';
import { median } from './lib/median.ts';

const rounds = 3;
const starts = 15;
/** Of each in a round, one after the other: machines change their speed from second to second. */
const turns = 6;
const turnSeconds = 1;
const connections = 32;
const warmUpSeconds = 1;

const peers = {
  'faas-js-runtime': '4.0.1',
  '@google-cloud/functions-framework': '5.0.5',
} as const;
const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * One function that does nothing, run by Clover's host (bundled, no telemetry), by faas-js-runtime and by
 * functions-framework: events per second at full speed, time to the first answer, memory. The three take turns, on the
 * same machine, with the same events; a ratio is the median of those of the turns.
 */
export async function benchHost(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  need(['wrk']);
  const dir = await mkdtemp(join(tmpdir(), 'clover-bench-'));
  try {
    const programs = [await ours(dir), ...(await theirs(progress))];
    const script = join(dir, 'post.lua');
    await writeFile(script, wrkScript);
    const ready = await measureStarts(programs, progress, signal);
    const load = await measureLoad(programs, script, progress, signal);
    return figuresOf(ready, load);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function ours(dir: string): Promise<EventProgram> {
  const { args, env } = await bundle(hello, join(dir, 'hello'));
  // Its peers say nothing when they start, either.
  return { name: 'clover', args, env: { ...env, LOG_LEVEL: 'warn' } };
}

/** Installed at bench time: they are rivals, not dependencies. */
async function theirs(progress: (line: string) => void): Promise<EventProgram[]> {
  const folder = join(root, '.cache/bench-peers');
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, dependencies: peers }),
  );
  await writeFile(
    join(folder, 'faas.js'),
    'module.exports = { handle: async () => ({ statusCode: 204 }) };\n',
  );
  await writeFile(
    join(folder, 'framework.js'),
    "require('@google-cloud/functions-framework').cloudEvent('hello', async () => {});\n",
  );
  progress('installing faas-js-runtime and functions-framework');
  await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error']);
  const program = (name: string): string => join(folder, 'node_modules/.bin', name);
  return [
    { name: 'faas-js-runtime', args: [program('faas-js-runtime'), join(folder, 'faas.js')] },
    {
      name: 'functions-framework',
      args: [
        program('functions-framework'),
        '--target=hello',
        '--signature-type=cloudevent',
        `--source=${join(folder, 'framework.js')}`,
      ],
    },
  ];
}

type ByName = ReadonlyMap<string, number[]>;

async function measureStarts(
  programs: readonly EventProgram[],
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<ByName> {
  const times = new Map<string, number[]>();
  for (let start = 0; start < starts; start += 1) {
    signal.throwIfAborted();
    add(times, 'node', await emptyProcessMs());
    for (const program of programs) {
      const server = await startEventServer(program);
      await server.stop();
      add(times, program.name, server.readyMs);
    }
  }
  for (const [name, values] of times)
    progress(`${name}: ready after ${median(values).toFixed(1)} ms`);
  return times;
}

interface Load {
  readonly perSecond: ByName;
  readonly rssMiB: ByName;
}

async function measureLoad(
  programs: readonly EventProgram[],
  script: string,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Load> {
  const [perSecond, rssMiB] = [new Map<string, number[]>(), new Map<string, number[]>()];
  for (let round = 1; round <= rounds; round += 1) {
    const servers: (readonly [string, EventServer])[] = [];
    try {
      for (const program of programs) {
        signal.throwIfAborted();
        const server = await startEventServer(program);
        servers.push([program.name, server]);
        await wrk(server.port, script, warmUpSeconds);
      }
      for (let turn = 0; turn < turns; turn += 1) {
        for (const [name, server] of servers) {
          signal.throwIfAborted();
          add(perSecond, name, await wrk(server.port, script, turnSeconds));
          add(rssMiB, name, await server.rssMiB());
        }
      }
    } finally {
      for (const [, server] of servers) await server.stop();
    }
    const last = programs.map(
      ({ name }) => `${name} ${median(perSecond.get(name)?.slice(-turns) ?? []).toFixed(0)}`,
    );
    progress(`round ${round}/${rounds}, events/s: ${last.join(', ')}`);
  }
  return { perSecond, rssMiB };
}

const wrkScript = `
wrk.method = "POST"
wrk.body = "${eventData}"
${Object.entries(eventHeaders)
  .map(([name, value]) => `wrk.headers["${name}"] = "${value}"`)
  .join('\n')}
`;

/** Events per second, all of them answered with 2xx. */
async function wrk(port: number, script: string, seconds: number): Promise<number> {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '-s',
    script,
    `http://127.0.0.1:${port}/`,
  ];
  const text = await run('wrk', args);
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`not every event was taken:\n${text}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
}

function figuresOf(ready: ByName, { perSecond, rssMiB }: Load): Figures {
  const of = (values: ByName, name: string): number => median(values.get(name) ?? []);
  const names = ['faas-js-runtime', 'functions-framework'];
  /** Turn by turn to the better of the peers in that turn. */
  const ratio = (values: ByName, better: (...of: number[]) => number, to = names): number =>
    median(
      (values.get('clover') ?? []).map(
        (value, turn) =>
          value / better(...to.map((name) => values.get(name)?.[turn] ?? Number.NaN)),
      ),
    );
  return {
    eventsPerSecond: of(perSecond, 'clover'),
    eventsPerSecondRatio: ratio(perSecond, Math.max),
    readyMs: of(ready, 'clover'),
    readyRatio: ratio(ready, Math.min),
    readyToNodeRatio: ratio(ready, Math.min, ['node']),
    rssMiB: of(rssMiB, 'clover'),
    peerEventsPerSecond: Object.fromEntries(names.map((name) => [name, of(perSecond, name)])),
    peerReadyMs: Object.fromEntries(names.map((name) => [name, of(ready, name)])),
    peerRssMiB: Object.fromEntries(names.map((name) => [name, of(rssMiB, name)])),
    nodeMs: of(ready, 'node'),
  };
}

function add(map: Map<string, number[]>, name: string, value: number): void {
  map.set(name, [...(map.get(name) ?? []), value]);
}
