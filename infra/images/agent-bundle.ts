import { cp, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/** The agent's files on the disk. */
export interface AgentBundle {
  /** Arguments that Node is to be run with, the program last. */
  readonly args: readonly string[];
  /** Files that it was made of: paths from the working directory. */
  readonly inputs: readonly string[];
}

/** What the agent looks for beside its file, seen from `native/capture`. */
export const captureFiles: readonly string[] = [
  'build/Release/capture.node',
  'build/Release/tap.bpf.o',
];

/**
 * Bundles the agent into one file, with the native core and the kernel programs beside it. It runs for months: V8's code of it would
 * not be worth its bytes.
 * @param folder made anew.
 */
export async function bundleAgent(
  repository: string,
  capture: string,
  folder: string,
): Promise<AgentBundle> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'agent.mjs');
  const { metafile } = await build({
    entryPoints: [join(repository, 'agent/main.ts')],
    outfile: file,
    bundle: true,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // CommonJS modules in it ask for Node's own by `require`.
    banner: {
      js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);",
    },
    logLevel: 'error',
  });
  for (const path of captureFiles) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await cp(join(capture, path), join(folder, path));
  }
  return { args: [file], inputs: Object.keys(metafile.inputs) };
}
