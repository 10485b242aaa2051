import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { builtPrograms } from './build.ts';
import { kubernetes } from './programs.ts';
import type { ApiTier } from './tiers/api.ts';

const run = promisify(execFile);

async function program(): Promise<string> {
  const path = (await builtPrograms(kubernetes))?.['kubectl'];
  if (path === undefined) throw new Error('kubectl is not built: npm run cluster -- build');
  return path;
}

const withConfig = ({ kubeconfig }: ApiTier, args: readonly string[]): string[] => [
  `--kubeconfig=${kubeconfig}`,
  // Discovery is kept by address: another test may have had the same.
  `--cache-dir=${kubeconfig}.cache`,
  ...args,
];

/**
 * What kubectl prints.
 * @throws Error with what it says on standard error when it fails.
 */
export async function kubectl(tier: ApiTier, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(await program(), withConfig(tier, args));
  return stdout;
}

/**
 * What kubectl prints, warnings too, when it is given a text on standard input.
 * @throws Error with what it says when it fails.
 */
export async function kubectlWith(
  tier: ApiTier,
  input: string,
  ...args: readonly string[]
): Promise<string> {
  const running = run(await program(), withConfig(tier, args));
  running.child.stdin?.end(input);
  const { stdout, stderr } = await running;
  return stdout + stderr;
}

/** The lines that kubectl prints, one after the other, until the loop over them ends. */
export async function* kubectlLines(
  tier: ApiTier,
  ...args: readonly string[]
): AsyncGenerator<string, void, void> {
  const child = spawn(await program(), withConfig(tier, args), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    yield* createInterface(child.stdout);
  } finally {
    child.kill();
  }
}

/** Starts kubectl with pipes to its standard streams. */
export async function spawnKubectl(
  tier: ApiTier,
  ...args: readonly string[]
): Promise<ChildProcessWithoutNullStreams> {
  return spawn(await program(), withConfig(tier, args));
}
