import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { findGo, type Go } from './go.ts';
import type { ModuleFiles, ProgramModule } from './programs.ts';
import { removeStaleBuilds } from './stale-builds.ts';

const run = promisify(execFile);

/** Where what was built is kept. */
export const cacheFolder = fileURLToPath(new URL('../../.cache/cluster/', import.meta.url));

const flags = ['-trimpath', '-buildvcs=false'] as const;
const progressEveryMs = 5_000;
/** What `go mod download -json` says. */
const downloaded = z.object({ Dir: z.string() });

/** Paths of a module's programs and files, by name. */
export type Programs = Readonly<Record<string, string>>;

/** The programs of a module that were built before and still fit it; undefined when any of them is missing. */
export async function builtPrograms(module: ProgramModule): Promise<Programs | undefined> {
  const folder = await folderOf(module);
  const names = [...Object.keys(module.programs), ...Object.keys(module.files ?? {})];
  const programs = names.map((name) => [name, join(folder, name)] as const);
  return programs.every(([, path]) => existsSync(path)) ? Object.fromEntries(programs) : undefined;
}

/** The programs of modules that were built before and still fit them; undefined when any of them is missing. */
export async function builtModules(
  modules: readonly ProgramModule[],
): Promise<Programs | undefined> {
  const all: Record<string, string> = {};
  for (const module of modules) {
    const programs = await builtPrograms(module);
    if (programs === undefined) return undefined;
    Object.assign(all, programs);
  }
  return all;
}

/** Who hears of a build, and may end it. */
export interface BuildWatch {
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Builds what is missing of a module's programs, and keeps it in place of what another version of it was built from. Programs that
 * were finished before an interruption stay.
 * @throws Error when Go cannot be had, does not build one, or was ended by the signal.
 */
export async function buildPrograms(module: ProgramModule, watch: BuildWatch): Promise<Programs> {
  const programs = (await builtPrograms(module)) ?? (await buildMissing(module, watch));
  for (const name of await removeStaleBuilds(await folderOf(module))) {
    watch.progress(`${name}, of another version, is removed`);
  }
  return programs;
}

async function buildMissing(module: ProgramModule, watch: BuildWatch): Promise<Programs> {
  const { progress } = watch;
  const folder = await folderOf(module);
  await mkdir(folder, { recursive: true });
  const go = await findGo(join(module.folder, 'go.mod'), cacheFolder, progress);
  progress(`building ${module.name} with ${go.version}: about ${buildMinutes(module)} min, once`);
  for (const [name, path] of Object.entries(module.programs)) {
    const file = join(folder, name);
    if (existsSync(file)) continue;
    const part = `${file}.part`;
    await rm(part, { force: true });
    await buildOne(go, module, { name, path, file: part }, watch);
    await rename(part, file);
  }
  for (const [name, files] of Object.entries(module.files ?? {})) {
    const file = join(folder, name);
    await writeFile(`${file}.part`, await textOf(go, module, files));
    await rename(`${file}.part`, file);
  }
  const built = await builtPrograms(module);
  if (built === undefined) throw new Error(`${module.name} changed while it was built`);
  return built;
}

/** Minutes that a build takes on this machine with a cache as `cpuSeconds` has it, if nothing else runs. */
export function buildMinutes({ cpuSeconds }: ProgramModule): number {
  return Math.ceil(cpuSeconds / cpus().length / 60);
}

interface Target {
  readonly name: string;
  readonly path: string;
  readonly file: string;
}

const environment = { ...process.env, CGO_ENABLED: '0', GOFLAGS: flags.join(' ') };

async function buildOne(
  go: Go,
  module: ProgramModule,
  { name, path, file }: Target,
  { progress, signal }: BuildWatch,
): Promise<void> {
  const tags = ['-tags', module.tags?.[name] ?? ''];
  const total = await stalePackages(go, module, [...tags, path], signal);
  const variables = Object.entries(module.variables).map(([key, value]) => `-X ${key}=${value}`);
  const linker = ['-s', '-w', ...variables].join(' ');
  const child = spawn(go.path, ['build', '-v', ...tags, '-ldflags', linker, '-o', file, path], {
    cwd: module.folder,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal !== undefined && { signal }),
  });
  const began = Date.now();
  let told = began;
  let done = 0;
  const last: string[] = [];
  const reader = createInterface(child.stderr);
  reader.on('line', (line) => {
    last.push(line);
    if (last.length > 20) last.shift();
    done += 1;
    const now = Date.now();
    if (now - told < progressEveryMs) return;
    told = now;
    // The last of them, and the linker, take longer than the others.
    const left = Math.ceil((((now - began) / done) * (total - done)) / 60_000);
    progress(`${name}: ${done} of ${total} packages, about ${left} min left`);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Error(`go build ${path} ended with ${String(code)}:\n${last.join('\n')}`);
  progress(`${name}: built in ${Math.round((Date.now() - began) / 1_000)} s`);
}

/** Files of a module as one text of YAML documents. */
async function textOf(
  go: Go,
  { folder }: ProgramModule,
  { module, path }: ModuleFiles,
): Promise<string> {
  const asked = ['mod', 'download', '-json', module];
  const { stdout } = await run(go.path, asked, { cwd: folder, env: environment });
  const place = join(downloaded.parse(JSON.parse(stdout)).Dir, path);
  const isFolder = (await stat(place)).isDirectory();
  const found = isFolder ? await readdir(place, { recursive: true }) : [''];
  const names = found.filter((name) => !isFolder || name.endsWith('.yaml'));
  const texts = names.toSorted().map((name) => readFile(join(place, name), 'utf8'));
  return (await Promise.all(texts)).join('\n---\n');
}

/** How many packages Go would compile. */
async function stalePackages(
  go: Go,
  { folder }: ProgramModule,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const format = '{{if .Stale}}{{.ImportPath}}{{end}}';
  const { stdout } = await run(go.path, ['list', '-deps', '-f', format, ...args], {
    cwd: folder,
    env: environment,
    maxBuffer: 64 * 1024 * 1024,
    ...(signal !== undefined && { signal }),
  });
  return stdout.split('\n').filter((line) => line !== '').length;
}

async function folderOf(module: ProgramModule): Promise<string> {
  return join(cacheFolder, 'bin', `${module.name}-${await keyOf(module)}`);
}

/** Of all that a program is made from but Go itself, whose versions build the same program. */
async function keyOf(module: ProgramModule): Promise<string> {
  const hash = createHash('sha256');
  const own = (await readdir(module.folder, { recursive: true })).filter((path) =>
    path.endsWith('.go'),
  );
  for (const file of ['go.mod', 'go.sum', ...own.toSorted()]) {
    hash.update(await readFile(join(module.folder, file)));
  }
  const { programs, tags, files, variables } = module;
  hash.update(JSON.stringify({ programs, tags, files, variables, flags, arch: process.arch }));
  return hash.digest('hex').slice(0, 16);
}
