import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import {
  embeddedCommand,
  type EmbeddedCommand,
} from '../../functions/analytics/embedded-command.ts';
import { embeddedPassword, writeEmbeddedFiles } from '../../functions/analytics/embedded.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { freePort } from '../../functions/lib/free-port.ts';
import type { HostConfig } from '../../functions/host/config.ts';
import { envoyBootstrap } from '../../functions/mesh/envoy/bootstrap.ts';
import { openXdsFiles } from '../../functions/mesh/envoy/xds-files.ts';
import type { Supervisor } from './processes.ts';
import { waitUntilReady, type ReadinessProbe } from './readiness.ts';
import type { RunFolder } from './run-record.ts';
import { agentFile, controlPlaneFile } from './stack-config.ts';
import { apiToken, writeJson } from './stack-files.ts';
import { stackProcesses, type StackPart } from './stack-processes.ts';

/** The processes of one machine, running. */
export interface Stack {
  /** Base URL of the control plane, and the bearer token for it. */
  readonly url: string;
  readonly token: string;
  /** Base URL of the agent's health and ledger. */
  readonly agentUrl: string;
  /** Unix socket of Envoy's admin interface. */
  readonly adminSocket: string;
  /** SIGKILL, as a crash would be; the part stays away until `restart`. */
  kill(part: StackPart): Promise<void>;
  /** Starts a killed part again on the same data and port, and waits until it is ready. */
  restart(part: StackPart): Promise<void>;
  /** Ends the parts in reverse order of their start. Safe to repeat. */
  stop(): Promise<void>;
}

/** What a stack is started with. */
export interface StackOptions {
  readonly run: RunFolder;
  readonly supervisor: Supervisor;
  readonly log: Logger;
  /** Pod directory of the agent. */
  readonly podsFile: string;
  /** Program file of Envoy. */
  readonly envoy: string;
  /** Network namespace of the gateway. Default: this one. */
  readonly gatewayNamespace?: string;
  /** Where resources, evidence and spans are kept. Default: in the run's folder, gone with it. */
  readonly dataDir?: string;
  /** Port of the control plane on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Webhooks that are told what happens. Default: none. */
  readonly notifications?: HostConfig['notifications'];
  /** Origins of browsers that may call, such as `https://ui.example`. Default: none. */
  readonly corsOrigins?: readonly string[];
}

/**
 * Starts ClickHouse, the control plane, Envoy and the agent, each when the one before is ready.
 * What was started stays the supervisor's when a later part fails.
 * @throws CloverError CLV_INTERNAL with the end of the log of the part that does not become ready.
 */
export function startStack(options: StackOptions): Promise<Stack> {
  return options.run.make(() => start(options));
}

async function start(options: StackOptions): Promise<Stack> {
  const { run, supervisor, log } = options;
  const dataDir = options.dataDir ?? join(run.path, 'data');
  const work = join(run.path, 'stack');
  const xdsDir = join(dataDir, 'xds');
  for (const dir of [dataDir, work, xdsDir, join(run.path, 'tmp')]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }
  const adminSocket = join(work, 'envoy.sock');
  if (Buffer.byteLength(adminSocket) > 107) {
    const message = `${adminSocket} is too long for a socket: set TMPDIR to a shorter folder`;
    throw new CloverError('CLV_CONFIG_INVALID', message);
  }
  const [clickhousePort, freeApiPort, agentPort] = await threePorts();
  const port = options.port ?? freeApiPort;
  const token = apiToken(dataDir);
  const clickhouse = await embeddedClickHouse(join(dataDir, 'clickhouse'), clickhousePort);
  const urls = { controlPlane: `http://127.0.0.1:${port}`, agent: `http://127.0.0.1:${agentPort}` };

  const files = {
    controlPlane: join(work, 'control-plane.json'),
    agent: join(work, 'agent.json'),
    envoy: join(work, 'envoy.json'),
  };
  writeJson(
    files.controlPlane,
    controlPlaneFile({
      port,
      token,
      dataDir: join(dataDir, 'control-plane'),
      clickhouse: {
        url: clickhouse.command.url,
        username: clickhouse.command.username,
        password: clickhouse.password,
      },
      gateway: { xdsDir, adminSocket, envoy: options.envoy },
      notifications: options.notifications ?? [],
      corsOrigins: options.corsOrigins ?? [],
    }),
  );
  writeJson(
    files.agent,
    agentFile({
      port: agentPort,
      podsFile: options.podsFile,
      controlPlane: { url: urls.controlPlane, token },
      spoolDir: join(dataDir, 'spool'),
    }),
  );
  // Envoy needs its files to be there, whoever is faster.
  openXdsFiles(xdsDir);
  writeJson(files.envoy, envoyBootstrap({ nodeId: 'gateway', xdsDir, adminSocket }));

  const parts = stackProcesses({
    clickhouse: clickhouse.command,
    files,
    envoy: options.envoy,
    gatewayNamespace: options.gatewayNamespace,
    env: { TMPDIR: join(run.path, 'tmp') },
  });
  const probes: Record<StackPart, ReadinessProbe> = {
    clickhouse: { url: `${clickhouse.command.url}/ping` },
    'control-plane': { url: `${urls.controlPlane}/health/ready` },
    envoy: { socketPath: adminSocket, path: '/ready' },
    agent: { url: `${urls.agent}/health/ready` },
  };
  const ready = (part: StackPart): Promise<void> =>
    waitUntilReady({
      supervisor,
      name: part,
      probe: probes[part],
      ...(part === 'clickhouse' ? { logTail: () => readTail(clickhouse.command.logFile) } : {}),
    });

  for (const spec of parts) {
    await supervisor.start(spec);
    await ready(spec.name);
    log.info({ process: spec.name }, 'ready');
  }

  return {
    url: urls.controlPlane,
    token,
    agentUrl: urls.agent,
    adminSocket,
    kill: (part) => supervisor.kill(part),
    async restart(part) {
      await supervisor.restart(part);
      await ready(part);
    },
    async stop() {
      for (const { name } of parts.toReversed()) await supervisor.stop(name);
    },
  };
}

/** A ClickHouse to be started: its command, and what its clients need. */
interface ClickHouseAccess {
  readonly command: EmbeddedCommand;
  readonly password: string;
}

async function embeddedClickHouse(dataDir: string, port: number): Promise<ClickHouseAccess> {
  const password = await embeddedPassword(dataDir);
  const command = embeddedCommand({ dataDir, port, password });
  await writeEmbeddedFiles(command);
  return { command, password };
}

async function threePorts(): Promise<[number, number, number]> {
  const [first, second, third] = await Promise.all([freePort(), freePort(), freePort()]);
  // Taken at the same time, so that the kernel gives each of them once.
  return [first, second, third];
}

function readTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  } catch {
    return '';
  }
}
