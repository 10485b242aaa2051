import { spawn } from 'node:child_process';
import { cp, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { freePort } from '../../functions/lib/free-port.ts';

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
   * One file with everything but Node. Beside it: V8's code of it, which a first run has made; `start.cjs`, which runs it with
   * that; `telemetry.cjs`, which is loaded when `OTEL_*` variables ask for it.
   */
  readonly file: string;
  readonly bytes: number;
  /** Arguments that Node is to be run with, the program last. */
  readonly args: readonly string[];
  /** The environment for that. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Keeps a function small under load, at no measured cost: a young generation that does not grow, one heap of the C library for
 * all threads, and what V8's compilers are done with given back to the system: 5 MiB each.
 */
const lean = {
  args: ['--max-semi-space-size=1'],
  env: { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '16384' },
} as const;

const telemetry = fileURLToPath(
  new URL('../../functions/host/telemetry/function-telemetry.ts', import.meta.url),
);

const start = fileURLToPath(new URL('start.ts', import.meta.url));
const bakery = fileURLToPath(new URL('bake.ts', import.meta.url));

const options = {
  bundle: true,
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
      kind === 'dynamic-import' ? { path: './telemetry.cjs', external: true } : undefined,
    );
  },
};

/**
 * Bundles a function into one file and bakes V8's code of it, so that a cold start neither looks for modules nor
 * compiles them.
 * @param folder made anew.
 */
export async function bundle(source: BundleSource, folder: string): Promise<Bundle> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${source.name}.cjs`);
  await build({ ...options, entryPoints: [source.entry], outfile: file, plugins: [apart] });
  await build({
    ...options,
    entryPoints: [telemetry],
    outfile: join(folder, 'telemetry.cjs'),
    // OpenTelemetry's modules look for gRPC on the disk; its CommonJS has it where a bundler sees it.
    conditions: ['require'],
  });
  await build({
    ...options,
    entryPoints: [start],
    outfile: join(folder, 'start.cjs'),
    define: { __bundle: JSON.stringify(source.name) },
    banner: {},
  });
  for (const [to, from] of Object.entries(source.addons ?? {})) await cp(from, join(folder, to));
  const made: Bundle = {
    file,
    bytes: (await stat(file)).size,
    args: [...lean.args, join(folder, 'start.cjs')],
    env: lean.env,
  };
  const code = join(folder, `${source.name}.code`);
  await run(made, [...lean.args, bakery, file, code], source.event);
  await run(made, made.args, undefined, { OTEL_TRACES_EXPORTER: 'console' });
  return made;
}

/**
 * Runs it once: what it has called by its end is in its code. So it is asked for its health, and gets an event that nobody takes,
 * and one that it takes.
 */
async function run(
  { file, env }: Bundle,
  args: readonly string[],
  taken: BundleSource['event'],
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const port = await freePort();
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env, LOG_LEVEL: 'warn', PORT: String(port), ...more },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exit = new Promise<number | null>((resolve) => {
    child.once('exit', (status) => resolve(status));
  });
  const url = `http://127.0.0.1:${port}`;
  while (child.exitCode === null && !(await answers(`${url}/health/ready`))) await delay(20);
  for (const { type, data } of [
    { type: 'bake', data: '{}' },
    ...(taken === undefined ? [] : [taken]),
  ]) {
    const event = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/bake', 'ce-type': type };
    const { body } = await fetch(url, { method: 'POST', headers: event, body: data });
    await body?.cancel();
  }
  child.kill('SIGTERM');
  const code = await exit;
  if (code !== 0) throw new Error(`${file} does not run: it ended with ${String(code)}`);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
