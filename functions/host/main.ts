import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pino, type Logger } from 'pino';
import { systemClock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { version } from '../lib/version.ts';
import { composeControlPlane } from './compose.ts';
import { readHostConfig, type HostConfig } from './config.ts';
import { endOnSignals } from './on-signals.ts';
import { observeProcess } from './telemetry/collect.ts';
import { createTelemetry } from './telemetry/create-telemetry.ts';
import { telemetrySettings } from './telemetry/settings.ts';

const usage = 'usage: node functions/host/main.ts --config FILE';

function loadConfig(): HostConfig {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) throw new CloverError('CLV_ARGUMENT_INVALID', usage);
  return readHostConfig(values.config);
}

async function run(config: HostConfig, log: Logger): Promise<void> {
  const announcement = join(config.dataDir, 'host.json');
  const onFatal = (error: unknown): never => {
    log.fatal({ err: error }, 'the control plane cannot go on');
    process.exit(1);
  };
  const settings = telemetrySettings(config.telemetry, process.env);
  const telemetry = createTelemetry({ settings, log });
  observeProcess(telemetry, version);
  const controlPlane = await composeControlPlane({
    config,
    clock: systemClock,
    log,
    telemetry,
    onFatal,
  });
  process.on('uncaughtExceptionMonitor', (error) => log.fatal({ err: error }, 'uncaught'));
  const { serving } = controlPlane;
  endOnSignals({
    serving,
    release: async () => {
      rmSync(announcement, { force: true });
      await controlPlane.release();
      await telemetry.shutdown();
    },
    log,
  });
  // By renaming: whoever sees the file sees all of it. A killed process leaves its own, with its pid.
  writeFileSync(`${announcement}.new`, JSON.stringify({ pid: process.pid, url: serving.url }));
  renameSync(`${announcement}.new`, announcement);
  log.info({ url: serving.url }, 'ready');
  telemetry.ready(performance.now());
}

try {
  const config = loadConfig();
  const log = pino({ level: config.logLevel, base: { process: 'host' } });
  await run(config, log).catch((error: unknown) => {
    log.fatal({ err: error }, 'the control plane cannot start');
    process.exit(1);
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
