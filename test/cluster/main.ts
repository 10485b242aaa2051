import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { isAlive } from '../../cloverctl/supervisor/process-table.ts';
import { findRuns } from '../../cloverctl/supervisor/run-record.ts';
import { findAbandoned, renderAbandoned } from './abandoned.ts';
import { cacheFolder } from './build.ts';
import { down, up } from './keep.ts';
import { readRunning, type Running } from './running.ts';
import {
  asTierName,
  buildTier,
  buildTierWithin,
  builtTier,
  tierNames,
  whyNotHere,
  type TierName,
} from './tiers.ts';

const run = promisify(execFile);

const usage = `usage: npm run cluster -- build|built|up|status|down [--tier ${tierNames.join('|')}] [--within MINUTES] [--json]

  build   build the programs of a tier from Go's module proxy and keep them in .cache/cluster; with --within, if it takes no
          longer, and else it is said why not
  built   print whether the programs of a tier are built
  up      build what is missing and start a tier, which has those before it: api (the default), a Kubernetes API; node, that runs
          pods; mesh, whose pods get Istio's proxies; knative, that runs functions and gives them events; observe, with a
          Collector, Jaeger and Prometheus
  status  what runs, where its logs are, and the kubeconfig to use; what was left of one whose keeper was killed
  down    end it, and take away all that it made
`;
const file = join(cacheFolder, 'running.json');
const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function build(tier: TierName, within: string | undefined): Promise<void> {
  if (within === undefined) {
    return print(JSON.stringify(await buildTier(tier, { progress: tell }), null, 2));
  }
  const minutes = Number(within);
  if (!(minutes > 0))
    throw new Error(`--within: found ${within}, and it has to be minutes, such as 12`);
  const why = await buildTierWithin(tier, minutes, tell);
  if (why !== undefined) tell(`the cluster's tier ${tier} is not built: ${why}`);
}

async function start(tier: TierName): Promise<Running> {
  const why = whyNotHere(tier);
  if (why !== undefined) throw new Error(why);
  await buildTier(tier, { progress: tell });
  const isNew = readRunning(file) === undefined;
  const began = Date.now();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}: nothing runs`)));
  }
  const running = await up(tier, file, stop.signal);
  if (isNew) tell(`ready after ${((Date.now() - began) / 1_000).toFixed(1)} s`);
  return running;
}

async function show(running: Running | undefined, asJson: boolean): Promise<void> {
  const abandoned = findAbandoned();
  // On standard error beside JSON, which tells of what can be used alone.
  const warn = (): void => renderAbandoned(abandoned).forEach(asJson ? tell : print);
  if (running === undefined) {
    if (asJson) print(JSON.stringify(null));
    else if (abandoned.length === 0) print('no cluster runs: npm run cluster -- up');
    return warn();
  }
  const logs = join(running.run, 'logs');
  const found = findRuns(dirname(running.run)).find(({ path }) => path === running.run);
  const processes = (found?.record.processes ?? []).map((one) => ({
    name: one.name,
    pid: one.pid,
    alive: isAlive(one),
    log: join(logs, `${one.name}.log`),
  }));
  const nodes = await nodesOf(running);
  if (asJson) {
    print(JSON.stringify({ ...running, processes, nodes }));
    return warn();
  }
  for (const { name, pid, alive, log } of processes) {
    print(`${name.padEnd(24)} ${(alive ? `pid ${pid}` : 'ended').padEnd(12)} ${log}`);
  }
  for (const [name, url] of Object.entries(running.urls)) print(`${name.padEnd(24)} ${url}`);
  for (const { name, ready } of nodes) print(`node ${name}: ${ready ? 'Ready' : 'not Ready'}`);
  print(`\nexport KUBECONFIG=${running.kubeconfig} PATH=${dirname(running.kubectl)}:$PATH`);
  const socket = join(running.run, 'node/containerd.sock');
  // So that `ctr -n k8s.io images import` means this node.
  if (existsSync(socket)) print(`export CONTAINERD_ADDRESS=${socket}`);
  warn();
}

/** None where the API server does not answer: its process and its log say why. */
async function nodesOf({
  kubectl,
  kubeconfig,
}: Running): Promise<{ readonly name: string; readonly ready: boolean }[]> {
  const each =
    '{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const options = [`--kubeconfig=${kubeconfig}`, '--request-timeout=5s'];
  try {
    const { stdout } = await run(kubectl, [...options, 'get', 'nodes', '-o', `jsonpath=${each}`]);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '))
      .map(([name = '', status]) => ({ name, ready: status === 'True' }));
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    return [];
  }
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      tier: { type: 'string', default: 'api' },
      within: { type: 'string' },
    },
    allowPositionals: true,
  });
  const tier = asTierName(values.tier);
  if (tier === undefined) {
    throw new Error(`--tier: found ${values.tier}, and there are ${tierNames.join(', ')}`);
  }
  switch (positionals.join(' ')) {
    case 'build':
      return build(tier, values.within);
    case 'built':
      return print(String((await builtTier(tier)) !== undefined));
    case 'up':
      return show(await start(tier), values.json);
    case 'status': {
      const running = readRunning(file);
      if (running === undefined) process.exitCode = 1;
      return show(running, values.json);
    }
    case 'down':
      return tell((await down(file)) ? 'taken down' : 'nothing ran');
    default:
      process.stderr.write(usage);
      process.exitCode = 2;
  }
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  tell(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
