import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { pino, type Logger } from 'pino';
import { CloverError } from '../functions/lib/errors.ts';
import { systemClock } from '../functions/lib/clock.ts';
import { createCapture } from '../native/capture/capture.ts';
import { processLinks } from '../native/capture/process-links.ts';
import { tlsLibraryOf } from '../native/capture/tls-library.ts';
import { createAgent } from './agent.ts';
import { readAgentConfig, type AgentConfig } from './config.ts';
import { readIfindex } from './interfaces.ts';
import { processLibraries } from './tls/process-libraries.ts';

const usage = 'usage: node agent/main.ts --config FILE';

function loadConfig(): AgentConfig {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) throw new CloverError('CLV_ARGUMENT_INVALID', usage);
  return readAgentConfig(values.config, process.env);
}

async function run(config: AgentConfig, log: Logger): Promise<void> {
  let asked = false;
  const end = (code: number): void => {
    if (asked) process.exit(1);
    asked = true;
    starting
      .then((agent) => agent.stop())
      .then(
        () => process.exit(code),
        (error: unknown) => {
          log.fatal({ err: error }, 'the agent cannot stop in order');
          process.exit(1);
        },
      );
  };
  const starting = createAgent(config, {
    createCapture,
    cgroupBytes: process.constrainedMemory(),
    ifindexOf: readIfindex,
    linksOf: processLinks,
    processes: processLibraries({ libraryOf: tlsLibraryOf }),
    clock: systemClock,
    random: Math.random,
    boot: randomBytes(8).toString('hex'),
    // Whoever started this process starts it anew; what it has is in the spool.
    onOrphaned: () => end(1),
    log,
  });
  await starting;
  const onSignal = (): void => end(0);
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

try {
  const config = loadConfig();
  const log = pino({ level: config.logLevel, base: { process: 'agent', node: config.node.name } });
  await run(config, log).catch((error: unknown) => {
    log.fatal({ err: error }, 'the agent cannot start');
    process.exit(1);
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
