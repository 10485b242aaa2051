import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervisor } from '../../cloverctl/supervisor/processes.ts';
import type { RunFolder } from '../../cloverctl/supervisor/run-record.ts';
import {
  buildMinutes,
  buildPrograms,
  builtModules,
  builtPrograms,
  type BuildWatch,
  type Programs,
} from './build.ts';
import {
  istio,
  knative,
  kubernetes,
  kubernetesNode,
  nodeParts,
  receiverModules,
  type ProgramModule,
} from './programs.ts';
import { startApi, type ApiTier } from './tiers/api.ts';
import { startMesh, type MeshTier } from './tiers/mesh.ts';
import { startKnative, type KnativeTier } from './tiers/knative.ts';
import { startNode, type NodeTier } from './tiers/node.ts';
import { startObserve, type ObserveTier } from './tiers/observe.ts';

/** What each tier gives, by its name. */
export interface Tiers {
  readonly api: ApiTier;
  readonly node: NodeTier;
  readonly mesh: MeshTier;
  readonly knative: KnativeTier;
  readonly observe: ObserveTier;
}

/** Name of a tier. */
export type TierName = keyof Tiers;

/** What a tier is started with. */
export interface TierSite {
  readonly run: RunFolder;
  readonly supervisor: Supervisor;
  readonly programs: Programs;
  /** More arguments of kube-apiserver. */
  readonly apiServerArgs?: readonly string[];
}

interface Tier<T> {
  readonly modules: readonly ProgramModule[];
  /** What it takes of the machine: programs by the packages of Debian that have them. */
  readonly machine: Readonly<Record<string, readonly string[]>>;
  readonly needsRoot: boolean;
  start(site: TierSite): Promise<T>;
}

const machineOfNode = {
  containerd: ['containerd', 'ctr', 'containerd-shim-runc-v2'],
  nftables: ['nft'],
  openssl: ['openssl'],
  runc: ['runc'],
} as const;

const tiers: { readonly [Name in TierName]: Tier<Tiers[Name]> } = {
  api: {
    modules: [kubernetes],
    machine: {},
    needsRoot: false,
    start: (site) => startApi({ ...site, folder: join(site.run.path, 'api') }),
  },
  node: {
    modules: [kubernetes, kubernetesNode, nodeParts],
    machine: machineOfNode,
    needsRoot: true,
    start: startNode,
  },
  mesh: {
    modules: [kubernetes, kubernetesNode, nodeParts, istio],
    machine: machineOfNode,
    needsRoot: true,
    start: startMesh,
  },
  knative: {
    modules: [kubernetes, kubernetesNode, nodeParts, istio, knative],
    machine: machineOfNode,
    needsRoot: true,
    start: startKnative,
  },
  observe: {
    modules: [kubernetes, kubernetesNode, nodeParts, istio, knative, ...receiverModules],
    machine: machineOfNode,
    needsRoot: true,
    start: startObserve,
  },
};

/** The name of a tier, or undefined. */
export function asTierName(text: string): TierName | undefined {
  return tierNames.find((name) => name === text);
}

/** Every tier, the smallest first. */
export const tierNames: readonly TierName[] = ['api', 'node', 'mesh', 'knative', 'observe'];

/** Starts a tier; resolves when it can be used. */
export function startTier<Name extends TierName>(name: Name, site: TierSite): Promise<Tiers[Name]> {
  return tiers[name].start(site);
}

/**
 * Why this machine cannot run a tier, and what helps; undefined when it can.
 * @param env of the process that starts it.
 */
export function whyNotHere(
  name: TierName,
  env: Readonly<Record<string, string | undefined>> = process.env,
  uid: number | undefined = process.getuid?.(),
): string | undefined {
  const { machine, needsRoot } = tiers[name];
  if (needsRoot && uid !== 0) return 'not root: namespaces and control groups need it';
  const folders = `/usr/sbin:/usr/bin:/sbin:/bin:${env['PATH'] ?? ''}`.split(':');
  const isThere = (program: string): boolean =>
    folders.some((folder) => existsSync(join(folder, program)));
  const missing = Object.entries(machine).flatMap(([debian, programs]) =>
    programs.every(isThere) ? [] : [debian],
  );
  if (missing.length === 0) return undefined;
  const wanted = missing.map((debian) => `--with ${debian}`).join(' ');
  return `the machine has no ${missing.join(', ')}: bash infra/setup/run.sh ${wanted} true`;
}

/** The programs of a tier that were built before and still fit it; undefined when any of them is missing. */
export function builtTier(name: TierName): Promise<Programs | undefined> {
  return builtModules(tiers[name].modules);
}

/**
 * Builds what is missing of a tier's programs, and keeps it.
 * @throws Error as {@link buildPrograms} does.
 */
export async function buildTier(name: TierName, watch: BuildWatch): Promise<Programs> {
  const all: Record<string, string> = {};
  for (const module of tiers[name].modules) {
    Object.assign(all, await buildPrograms(module, watch));
  }
  return all;
}

/**
 * Builds a tier if that can be done in so many minutes.
 * @returns why it is not built; undefined when it is.
 */
export async function buildTierWithin(
  name: TierName,
  minutes: number,
  progress: (line: string) => void,
): Promise<string | undefined> {
  const needed = await minutesLeft(name);
  if (needed > minutes) return `it takes about ${needed} min, and there are ${minutes}`;
  const signal = AbortSignal.timeout(minutes * 60_000);
  try {
    await buildTier(name, { progress, signal });
    return undefined;
  } catch (error) {
    if (signal.aborted) return `it was not done after ${minutes} min; what is done stays`;
    return error instanceof Error ? error.message : String(error);
  }
}

async function minutesLeft(name: TierName): Promise<number> {
  let minutes = 0;
  for (const module of tiers[name].modules) {
    if ((await builtPrograms(module)) === undefined) minutes += buildMinutes(module);
  }
  return minutes;
}

/** Minutes, at most, that a build of a tier takes on this machine with an empty cache, if nothing else runs. */
export function tierMinutes(name: TierName): number {
  return tiers[name].modules.reduce((sum, module) => sum + buildMinutes(module), 0);
}
