import { execFile } from 'node:child_process';
import { glob, mkdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const core = 'native/capture/core';
const programs = 'native/capture/fuzz';

/** What needs the kernel or other libraries, and so is no part of a target. */
const live = new Set([
  'cgroup_point.cc',
  'connect_hooks.cc',
  'engine.cc',
  'loader_log.cc',
  'tap.cc',
  'tcx_point.cc',
  'uprobe_links.cc',
  'uprobes.cc',
  'verdicts.cc',
]);

const flags = [
  '-std=c++17',
  '-O1',
  '-g',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fno-omit-frame-pointer',
  '-fsanitize=fuzzer-no-link,address,undefined',
  '-fno-sanitize-recover=all',
];

async function listed(pattern: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  return paths.toSorted();
}

const changed = async (path: string): Promise<number> => {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
};

/**
 * Compiles the targets with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, or what of them is
 * older than its sources.
 *
 * @param folder where objects and programs go
 * @param progress told of each file that is compiled
 * @returns the path of a program
 */
export async function buildFuzzers(
  folder: string,
  progress: (line: string) => void,
): Promise<(program: string) => string> {
  await mkdir(folder, { recursive: true });
  const headers = await listed('native/capture/{bpf,core,fuzz}/**/*.h');
  const newest = Math.max(...(await Promise.all(headers.map(changed))));
  const parts = (await listed(`${core}/**/*.cc`)).filter((path) => !live.has(basename(path)));
  const targets = await listed(`${programs}/*.cc`);
  const waiting = [...parts, ...targets];
  const objectOf = (path: string): string => join(folder, `${path.replaceAll('/', '-')}.o`);
  let compiled = 0;
  const worker = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const needed = Math.max(newest, await changed(path));
      if ((await changed(objectOf(path))) > needed) continue;
      progress(`compile ${path}`);
      compiled++;
      await run('clang++', [...flags, '-c', path, '-o', objectOf(path)]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const programOf = (program: string): string => join(folder, program);
  for (const target of targets) {
    const program = programOf(basename(target, '.cc'));
    if (compiled === 0 && (await changed(program)) > 0) continue;
    const link = ['-fsanitize=fuzzer,address,undefined', objectOf(target), ...parts.map(objectOf)];
    await run('clang++', [...link, '-lelf', '-o', program]);
  }
  return programOf;
}
