import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { runFunction } from '../host/run-function.ts';
import { startOrExit } from '../host/start-or-exit.ts';
import { observeProcess } from '../host/telemetry/collect.ts';
import { createTelemetry } from '../host/telemetry/create-telemetry.ts';
import { telemetryConfig } from '../host/telemetry/telemetry-config.ts';
import { telemetrySettings } from '../host/telemetry/settings.ts';
import { systemClock } from '../lib/clock.ts';
import { monotonicMs } from '../lib/monotonic.ts';
import { version } from '../lib/version.ts';
import { createEnvoyAdmin } from '../mesh/envoy/admin.ts';
import { envoyBootstrap } from '../mesh/envoy/bootstrap.ts';
import { createFileXdsGateway } from '../mesh/envoy/file-xds-gateway.ts';
import { createKubeClient } from '../resources/kubernetes/client.ts';
import { inClusterConnection } from '../resources/kubernetes/connection.ts';
import { kubeconfigConnection } from '../resources/kubernetes/kubeconfig.ts';
import { startController } from './controller.ts';
import { readSettings } from './settings.ts';

/** The network layer of Serving as a process beside one Envoy. */
async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const { KUBECONFIG, ENVOY_FOLDER: folder, POD_NAMESPACE: namespace, CLUSTER_DOMAIN } = settings;
  const log = pino({ level: settings.LOG_LEVEL, base: { process: 'ingress' } });
  const telemetry = createTelemetry({
    settings: telemetrySettings(
      telemetryConfig.parse({ serviceName: 'clover-ingress' }),
      process.env,
    ),
    log,
  });
  observeProcess(telemetry, version);
  const connection =
    KUBECONFIG === undefined
      ? inClusterConnection({ monotonicMs })
      : await kubeconfigConnection(KUBECONFIG);
  const xdsDir = join(folder, 'xds');
  const adminSocket = join(folder, 'admin.sock');
  const gateway = createFileXdsGateway({ xdsDir, adminSocket, clock: systemClock });
  const admin = createEnvoyAdmin({ socketPath: adminSocket });
  writeBootstrap(folder, settings.POD_IP ?? hostname());
  const onFatal = (err: unknown): never => {
    log.fatal({ err }, 'the network layer cannot go on');
    process.exit(1);
  };
  const controller = startController({
    client: createKubeClient(connection),
    gateway,
    admin,
    ingressClass: settings.INGRESS_CLASS,
    ports: { external: settings.EXTERNAL_PORT, internal: settings.INTERNAL_PORT },
    service: `${namespace}/${settings.EXTERNAL_SERVICE}`,
    ...(settings.POD_IP !== undefined && { podAddress: settings.POD_IP }),
    loadBalancers: {
      external: `${settings.EXTERNAL_SERVICE}.${namespace}.svc.${CLUSTER_DOMAIN}`,
      internal: `${settings.INTERNAL_SERVICE}.${namespace}.svc.${CLUSTER_DOMAIN}`,
    },
    clock: systemClock,
    monotonicMs,
    log,
    telemetry,
    onFatal,
  });
  await runFunction(
    {
      name: 'ingress',
      close: async () => {
        await controller.stop();
        admin.close();
        gateway.close();
      },
    },
    { log, telemetry, env: { ...process.env, PORT: settings.PORT } },
  );
}

/** What Envoy starts with. It starts after this process is ready, and again after its own end. */
function writeBootstrap(folder: string, nodeId: string): void {
  const file = join(folder, 'envoy.json');
  const bootstrap = envoyBootstrap({
    nodeId,
    xdsDir: join(folder, 'xds'),
    adminSocket: join(folder, 'admin.sock'),
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(bootstrap));
  renameSync(`${file}.new`, file);
}

startOrExit(main);
