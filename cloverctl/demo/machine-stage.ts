import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { createApiClient, type ApplyDocument } from '../../functions/api/client.ts';
import type { Clock } from '../../functions/lib/clock.ts';
import type { Sdc } from '../../infra/samples/sdc/deploy.ts';
import { startLoad } from '../../infra/samples/sdc/load.ts';
import { sdcPods, sdcPort } from '../../infra/samples/sdc/topology.ts';
import type { Supervisor } from '../supervisor/processes.ts';
import type { Stack } from '../supervisor/stack.ts';
import { completedRequests } from './completed-requests.ts';
import type { Screen } from './screen.ts';
import type { Manifest, Stage } from './stage.ts';

/** What stands on one machine. */
export interface MachineParts {
  readonly sdc: Sdc;
  readonly stack: Pick<Stack, 'adminSocket' | 'agentUrl' | 'token' | 'url'>;
  readonly supervisor: Supervisor;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const agentLedger = z.looseObject({ attachments: z.looseObject({ attached: z.number() }) });
const document = z.looseObject({
  kind: z.enum(['Experiment', 'Tap', 'TrafficPolicy']),
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
});

/** The story on one machine: namespaces of the network, one Envoy, and Clover as processes. */
export function createMachineStage(parts: MachineParts): Stage {
  const { sdc, stack, supervisor, screen, clock, signal } = parts;
  const client = createApiClient({ url: stack.url, token: stack.token, clock });
  return {
    client,
    screen,
    clock,
    signal,
    limits: { followMs: 30_000, runMs: 150_000 },
    apply: async (manifest) => {
      await client.apply(read(manifest), { manager: 'demo' });
    },
    addVersion: (version) => sdc.addVersion(version),
    isTraced: async () => (await tracedPods(stack.agentUrl)) === sdc.pods().length,
    // Envoy has acknowledged what is programmed.
    isStamping: () => Promise.resolve(true),
    startLoad: async () => {
      const rate = 200;
      const load = await startLoad({
        supervisor,
        namespace: sdc.network.namespaceOf('client'),
        plan: { host: sdcPods.gateway.address, port: sdcPort, rate },
      });
      return { rate, stop: () => load.stop() };
    },
    proxied: async () => {
      const path = '/stats?format=json&filter=upstream_rq_completed$';
      return completedRequests(await ask(stack.adminSocket, path), /^sdc\/proxy\/([^/.]+)$/);
    },
  };
}

/** One of the sample's manifests. */
function read(manifest: Manifest): ApplyDocument {
  const path = new URL(`../../infra/samples/sdc/manifests/${manifest}.yaml`, import.meta.url);
  return document.parse(parse(readFileSync(fileURLToPath(path), 'utf8')));
}

/** How many pods the agent traces now; undefined while it does not answer. */
async function tracedPods(agentUrl: string): Promise<number | undefined> {
  try {
    const response = await fetch(`${agentUrl}/ledger`, { signal: AbortSignal.timeout(5_000) });
    return agentLedger.parse(await response.json()).attachments.attached;
  } catch {
    return undefined;
  }
}

/** What Envoy's admin interface answers. */
function ask(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false, timeout: 5_000 }, (response) => {
      text(response).then(resolve, reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('the admin interface does not answer')));
    asked.on('error', reject);
    asked.end();
  });
}
