import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { freePort } from '../../functions/lib/free-port.ts';
import { lateFile } from './code-cache.ts';
import { english } from './english.ts';
import { lean } from './lean.ts';
import { podOfNowhere } from './nowhere.ts';
import { zodByName } from './zod-by-name.ts';

/** What a bundle is made of. */
export interface BundleSource {
  readonly name: string;
  /** The module that runs the function. */
  readonly entry: string;
  /** An event that it takes, with no effect outside: what it runs then needs no compiler at a cold start. */
  readonly event?: { readonly type: string; readonly data: string };
  /** Native addons that it opens: file by the path from the bundle. */
  readonly addons?: Readonly<Record<string, string>>;
}

/** A bundle on the disk. */
export interface Bundle {
  /**
   * One file with everything but Node. Beside it: `start.cjs`, which runs it; `telemetry.cjs`, which is loaded when `OTEL_*`
   * variables ask for it; V8's code of both, which a first run has made.
   */
  readonly file: string;
  readonly bytes: number;
  /** Arguments that Node is to be run with, the program last. */
  readonly args: readonly string[];
  /** The environment for that. */
  readonly env: Readonly<Record<string, string>>;
  /** Files that it was made of, by esbuild's account: paths from the working directory. */
  readonly inputs: readonly string[];
}

const telemetry = fileURLToPath(
  new URL('../../functions/host/telemetry/function-telemetry.ts', import.meta.url),
);

const start = fileURLToPath(new URL('start.ts', import.meta.url));
const bakery = fileURLToPath(new URL('bake.ts', import.meta.url));

// Without them two runs do not give the same code. V8 takes it without them too: they are no part of its flags' hash.
const repeatable = ['--predictable', '--random-seed=1'];

const options = {
  bundle: true,
  metafile: true,
  platform: 'node',
  // Node starts a CommonJS file in half the time of a module: 32 ms to the first answer, not 59.
  format: 'cjs',
  target: 'node24',
  // Names stay, for stack traces; white space and dead branches go.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // `require` of a file beside it: a script outside Node's loader has no `import()`.
  supported: { 'dynamic-import': false },
  // What a module says of its place has to be asked of CommonJS.
  define: { 'import.meta.url': '__fileUrl' },
  banner: { js: "const __fileUrl=require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'error',
} satisfies BuildOptions;

/** OpenTelemetry's SDK is twelve times as large as a function: who does not send telemetry should not read it. */
const apart: Plugin = {
  name: 'telemetry-apart',
  setup: (bundler) => {
    bundler.onResolve({ filter: /\/function-telemetry\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./${lateFile}`, external: true } : undefined,
    );
  },
};

/**
 * Bundles a function into one file and bakes V8's code of it, so that a cold start neither looks for modules nor
 * compiles them. The same sources give the same bytes, in any folder.
 * @param folder made anew.
 * @param node how to run the Node that will run it: V8's code is of one architecture and version.
 */
export async function bundle(
  source: BundleSource,
  folder: string,
  node: readonly [string, ...string[]] = [process.execPath],
): Promise<Bundle> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${source.name}.cjs`);
  const first = await build({
    ...options,
    entryPoints: [source.entry],
    outfile: file,
    plugins: [apart, english, zodByName],
  });
  const late = join(folder, lateFile);
  const second = await build({
    ...options,
    entryPoints: [telemetry],
    outfile: late,
    // OpenTelemetry's modules look for gRPC on the disk; its CommonJS has it where a bundler sees it.
    conditions: ['require'],
  });
  const third = await build({
    ...options,
    entryPoints: [start],
    outfile: join(folder, 'start.cjs'),
    define: { bundleName: JSON.stringify(source.name) },
    banner: {},
  });
  for (const [to, from] of Object.entries(source.addons ?? {})) await cp(from, join(folder, to));
  const made: Bundle = {
    file,
    bytes: (await stat(file)).size,
    args: [...lean.args, join(folder, 'start.cjs')],
    env: lean.env,
    inputs: [first, second, third].flatMap(({ metafile }) => Object.keys(metafile.inputs)),
  };
  const baking = [...node, ...repeatable, ...lean.args, bakery] as const;
  // Only loaded: what it does later hangs on the clock, and so would its code.
  await ended(launch([...baking, late], lean.env), late);
  await serve([...baking, file], made, source);
  return made;
}

/**
 * Runs it once: what it has called by its end is in its code. So it is asked for its health, and gets an event that nobody takes,
 * and one that it takes. It is in a pod of a cluster whose API server and ClickHouse do not answer.
 */
async function serve(
  command: readonly [string, ...string[]],
  { file, env }: Bundle,
  { event: taken }: BundleSource,
): Promise<void> {
  const port = await freePort();
  const account = await mkdtemp(join(tmpdir(), 'clover-bake-'));
  const child = launch(command, {
    ...env,
    ...(await podOfNowhere(account)),
    // Else pino is in the code if the machine is so slow that the run takes a second.
    LOG_LEVEL: 'silent',
    PORT: String(port),
  });
  const end = endedIn(account, child, file);
  const url = `http://127.0.0.1:${port}`;
  while (child.exitCode === null && !(await answers(`${url}/health/ready`))) await delay(20);
  if (child.exitCode !== null) return end;
  await send(url, { type: 'bake', data: '{}' });
  const status = taken && (await send(url, taken));
  child.kill('SIGTERM');
  await end;
  // What is not taken runs none of the function's own code. That no ClickHouse answers the function is another matter.
  if (status !== undefined && status >= 400 && status < 500) {
    throw new Error(`${file} does not take ${taken?.type}: it answered ${status}`);
  }
}

/** @returns the status of the answer. */
async function send(
  url: string,
  { type, data }: { readonly type: string; readonly data: string },
): Promise<number> {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': '/bake',
    'ce-type': type,
    'ce-time': '1970-01-01T00:00:00Z',
    ...(data !== '' && { 'content-type': 'application/json' }),
  };
  const { status, body } = await fetch(url, { method: 'POST', headers, body: data });
  await body?.cancel();
  return status;
}

async function endedIn(folder: string, child: ChildProcess, file: string): Promise<void> {
  try {
    await ended(child, file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function launch(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  return spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function ended(child: ChildProcess, file: string): Promise<void> {
  await once(child, 'exit');
  if (child.exitCode !== 0) {
    throw new Error(`${file} does not run: it ended with ${child.exitCode ?? child.signalCode}`);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
