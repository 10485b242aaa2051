import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import type { RunFolder } from '../../../cloverctl/supervisor/run-record.ts';
import { createNetwork, type SdcNetwork } from './network.ts';
import { nginxConfig, webPage } from './nginx-config.ts';
import {
  firstPods,
  proxyPod,
  sdcNamespace,
  sdcPods,
  type ProxyVersion,
  type SdcPod,
  type SdcPodName,
} from './topology.ts';

/** The running sample: the Service Delivery Controller. */
export interface Sdc {
  readonly network: SdcNetwork;
  /** The pod directory, as the agent reads it. */
  readonly podsFile: string;
  /** Makes the pods and starts the web servers, the load balancer and version 1 of the proxy. */
  up(): Promise<void>;
  /** Adds the pod of another version of the proxy; no traffic goes there yet. */
  addVersion(version: ProxyVersion): Promise<void>;
  /** The pods that are there now. */
  pods(): readonly SdcPodName[];
  /** Requests that a pod's nginx has served so far. */
  served(pod: SdcPodName): Promise<number>;
  /** Ends the servers, then deletes the network. Safe to repeat. */
  stop(): Promise<void>;
}

/** What the sample is started with. */
export interface SdcOptions {
  readonly run: RunFolder;
  readonly supervisor: Supervisor;
  readonly clock?: Clock;
  /** The nginx program. Default: the one of the distribution. */
  readonly nginx?: string;
}

const readyWithinMs = 15_000;

/** The sample in namespaces of its own; nothing is made before `up`. */
export function createSdc(options: SdcOptions): Sdc {
  const { run, supervisor, clock = systemClock, nginx = '/usr/sbin/nginx' } = options;
  const network = createNetwork(randomBytes(3).toString('hex').slice(0, 5), run);
  const home = join(run.path, 'sdc');
  const podsFile = join(home, 'pods.json');
  const present = new Map<SdcPodName, string>();
  const ownRequests = new Map<SdcPodName, number>();

  const add = async (pods: readonly SdcPodName[]): Promise<void> => {
    const fresh = pods.filter((pod) => !present.has(pod));
    mkdirSync(home, { recursive: true, mode: 0o755 });
    await network.add(fresh);
    for (const pod of fresh) await serve(pod);
    for (const pod of fresh) await ready(pod);
    for (const pod of fresh) present.set(pod, randomUUID());
    writePods();
  };

  const serve = async (name: SdcPodName): Promise<void> => {
    const pod: SdcPod = sdcPods[name];
    if (pod.role === undefined) return;
    const dir = join(home, name);
    mkdirSync(join(dir, 'html'), { recursive: true, mode: 0o755 });
    writeFileSync(join(dir, 'html', 'index.html'), webPage, { mode: 0o644 });
    const config = join(dir, 'nginx.conf');
    writeFileSync(config, nginxConfig(pod, { dir, status: statusSocket(name) }));
    await supervisor.start({
      name: `nginx-${name}`,
      command: nginx,
      args: ['-p', dir, '-c', config, '-e', join(dir, 'error.log')],
      namespace: network.namespaceOf(name),
      graceMs: 2_000,
    });
  };

  const ready = async (name: SdcPodName): Promise<void> => {
    const pod: SdcPod = sdcPods[name];
    if (pod.role === undefined) return;
    const deadline = clock.now() + readyWithinMs;
    while (supervisor.get(`nginx-${name}`) !== undefined && clock.now() < deadline) {
      try {
        await requestsServed(name);
        return;
      } catch {
        await clock.sleep(25);
      }
    }
    const said = supervisor.tail(`nginx-${name}`);
    throw new CloverError('CLV_INTERNAL', `nginx of ${name} does not answer:\n${said}`);
  };

  const statusSocket = (name: SdcPodName): string => join(home, name, 'status.sock');

  /** Asking counts as a request too: it is taken off again. */
  const requestsServed = async (name: SdcPodName): Promise<number> => {
    const page = await get(statusSocket(name));
    const asked = (ownRequests.get(name) ?? 0) + 1;
    ownRequests.set(name, asked);
    // Third number of the line below "server accepts handled requests".
    const requests = /^\s*\d+\s+\d+\s+(\d+)\s*$/m.exec(page)?.[1];
    return Number(requests) - asked;
  };

  const writePods = (): void => {
    const pods = [...present].map(([name, uid]) => {
      const pod: SdcPod = sdcPods[name];
      return {
        namespace: sdcNamespace,
        name,
        uid,
        labels: {
          'app.kubernetes.io/name': pod.app,
          ...(pod.version === undefined ? {} : { 'app.kubernetes.io/version': pod.version }),
        },
        interface: network.interfaceOf(name),
        addresses: [pod.address],
      };
    });
    writeFileSync(`${podsFile}.part`, `${JSON.stringify({ pods }, null, 2)}\n`);
    renameSync(`${podsFile}.part`, podsFile);
  };

  return {
    network,
    podsFile,
    up: () => run.make(() => add(firstPods)),
    addVersion: (version) => run.make(() => add([proxyPod(version)])),
    pods: () => [...present.keys()],
    served: requestsServed,
    async stop() {
      for (const name of [...present.keys()].toReversed()) await supervisor.stop(`nginx-${name}`);
      present.clear();
      await network.delete();
    },
  };
}

function get(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/', agent: false, timeout: 2_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', reject);
    asked.end();
  });
}
