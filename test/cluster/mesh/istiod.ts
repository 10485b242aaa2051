import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import { waitUntilReady } from '../../../cloverctl/supervisor/readiness.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import type { InjectionFiles } from './injection.ts';
import { istiodPort, istioNamespace, validatorName, type ControlPlane } from './objects.ts';

/** Options of {@link startIstiod}. */
export interface IstiodOptions extends ControlPlane {
  readonly supervisor: Supervisor;
  readonly program: string;
  /** Folder for its files, which it runs in. */
  readonly folder: string;
  readonly kubeconfig: string;
  readonly injection: InjectionFiles;
}

/** A running istiod. */
export interface Istiod {
  /** Ends it, does something, and starts it again; resolves when it is ready. */
  readonly whileAway: <T>(work: () => Promise<T>) => Promise<T>;
}

const name = 'istiod';

/** Filters that Istio's own Envoy has. One without them refuses the whole listener or cluster. */
const forUpstreamEnvoy = {
  PILOT_ENABLE_METADATA_EXCHANGE: 'false',
  PILOT_DISABLE_MX_ALPN: 'true',
  PILOT_ENABLE_ALPN_FILTER: 'false',
} as const;

const meshConfig = {
  // The default of Istio's chart is such a filter too.
  defaultProviders: {},
  enablePrometheusMerge: false,
  ingressControllerMode: 'OFF',
  defaultConfig: {
    discoveryAddress: `istiod.${istioNamespace}.svc:${istiodPort}`,
    tracing: {},
    concurrency: 1,
    // What a listener of before still holds is seen to end by tests.
    drainDuration: '2s',
  },
} as const;

/**
 * Starts istiod with its own authority; resolves when it is ready.
 * @throws Error with the end of its log when it is not ready in two minutes.
 */
export async function startIstiod(options: IstiodOptions): Promise<Istiod> {
  const { supervisor, program, folder, kubeconfig, injection, host, webhookPort } = options;
  const configFile = join(folder, 'mesh.json');
  writeFileSync(configFile, JSON.stringify(meshConfig));
  // It looks there from where it runs.
  const injected = join(folder, 'var/lib/istio/inject');
  mkdirSync(injected, { recursive: true });
  writeFileSync(join(injected, 'config'), injection.config);
  writeFileSync(join(injected, 'values'), injection.values);
  const [http, monitoring] = [await freePort(), await freePort()];
  await supervisor.start({
    name,
    command: program,
    args: [
      'discovery',
      `--kubeconfig=${kubeconfig}`,
      `--meshConfig=${configFile}`,
      `--secureGRPCAddr=${host}:${istiodPort}`,
      '--grpcAddr=',
      `--httpAddr=127.0.0.1:${http}`,
      `--monitoringAddr=127.0.0.1:${monitoring}`,
      `--httpsAddr=127.0.0.1:${webhookPort}`,
      '--ctrlz_port=0',
    ],
    cwd: folder,
    env: {
      ...forUpstreamEnvoy,
      POD_NAME: 'istiod-0',
      POD_NAMESPACE: istioNamespace,
      REVISION: 'default',
      // A name of its certificate: the API server calls its webhooks by it.
      ISTIOD_CUSTOM_HOST: 'localhost',
      VALIDATION_WEBHOOK_CONFIG_NAME: validatorName,
    },
    restart: true,
  });
  const probe = { url: `http://127.0.0.1:${http}/ready` };
  const ready = (): Promise<void> => waitUntilReady({ supervisor, name, probe, withinMs: 120_000 });
  await ready();
  return {
    whileAway: async (work) => {
      await supervisor.stop(name);
      try {
        return await work();
      } finally {
        await supervisor.restart(name);
        await ready();
      }
    },
  };
}
