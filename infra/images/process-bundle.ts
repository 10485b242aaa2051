import { cp, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { english } from './english.ts';
import { lean } from './lean.ts';

/** A process that runs for months: V8's code of it would not be worth its bytes. */
export interface ProcessSource {
  /** Files to be, without `.mjs`, by the module of the repository that each is made of; the program is the first. */
  readonly modules: Readonly<Record<string, string>>;
  /** Arguments of Node, and variables of its environment. */
  readonly node?: {
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  /** Native files that it looks for, by their path in the repository's folder `native`. */
  readonly natives: Readonly<Record<string, string>>;
  /** Packages that it does not use where it runs in an image. */
  readonly without: readonly string[];
  /** The agent gives its kernel programs to the kernel: that takes root, with the capabilities that its pod names. */
  readonly root: boolean;
  /** Where it listens, if others ask it. */
  readonly port?: number;
}

/** Captures the traffic of a node. */
export const agentProcess: ProcessSource = {
  modules: { agent: 'agent/main.ts' },
  // Its heap of JavaScript is small, and what a look at all pods leaves in it goes early: 7 MiB less.
  node: { ...lean, args: [...lean.args, '--optimize-for-size'] },
  natives: {
    'build/Release/capture.node': 'capture/build/Release/capture.node',
    'build/Release/tap.bpf.o': 'capture/build/Release/tap.bpf.o',
  },
  without: [],
  root: true,
};

/** All functions in one process. */
export const controlPlaneProcess: ProcessSource = {
  modules: { 'control-plane': 'functions/host/main.ts', worker: 'functions/host/broker/worker.ts' },
  natives: { 'build/Release/clover_codec.node': 'codec/build/Release/clover_codec.node' },
  // A pod has its service account.
  without: ['@kubernetes/client-node'],
  root: false,
  port: 7700,
};

/** The validating webhook. */
export const admissionProcess: ProcessSource = {
  modules: { admission: 'functions/admission/main.ts' },
  natives: {},
  without: [],
  root: false,
  port: 8443,
};

/** The network layer of Serving. */
export const ingressProcess: ProcessSource = {
  modules: { ingress: 'functions/ingress/main.ts' },
  natives: {},
  // A pod has its service account.
  without: ['@kubernetes/client-node'],
  root: false,
  port: 9090,
};

/** The load generator of the sample network function. */
export const loadProcess: ProcessSource = {
  modules: { load: 'infra/samples/sdc/load-main.ts' },
  natives: {},
  without: [],
  root: false,
};

/** Its files on the disk. */
export interface ProcessBundle {
  /** Arguments that Node is to be run with, the program last. */
  readonly args: readonly string[];
  /** The environment for that. */
  readonly env: Readonly<Record<string, string>>;
  /** Files that it was made of: paths from the working directory. */
  readonly inputs: readonly string[];
}

/**
 * Bundles a process into one file a thread, with its native files beside them.
 * @param natives the folder with native addons for the platform.
 * @param folder made anew.
 */
export async function bundleProcess(
  source: ProcessSource,
  repository: string,
  natives: string,
  folder: string,
): Promise<ProcessBundle> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: Object.entries(source.modules).map(([out, module]) => ({
      in: join(repository, module),
      out,
    })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: [...source.without],
    plugins: [english],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // CommonJS modules in it ask for Node's own by `require`.
    banner: {
      js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);",
    },
    logLevel: 'error',
  });
  for (const [to, from] of Object.entries(source.natives)) {
    await mkdir(dirname(join(folder, to)), { recursive: true });
    await cp(join(natives, from), join(folder, to));
  }
  const [program = ''] = Object.keys(source.modules);
  return {
    args: [...(source.node?.args ?? []), join(folder, `${program}.mjs`)],
    env: source.node?.env ?? {},
    inputs: Object.keys(metafile.inputs),
  };
}
