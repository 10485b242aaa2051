import { randomBytes } from 'node:crypto';
import { pino, type Logger } from 'pino';
import { parseAgentConfig } from '../../../agent/config.ts';
import { openSinks, type Sinks } from '../../../agent/sinks.ts';
import type { SelectedPod } from '../../../agent/selection.ts';
import { systemClock } from '../../../functions/lib/clock.ts';

/** A pod whose spans go to these sinks, and whose records to those. */
export const podOf = (
  uid: string,
  sinks: readonly string[],
  logSinks: readonly string[] = [],
): SelectedPod => ({
  namespace: 'shop',
  name: uid,
  uid,
  labels: {},
  settings: { ratio: 1, parent: false },
  sinks,
  logSinks,
  tls: false,
});

/** Sinks of an agent's configuration, with their spools in a folder; they are awake. */
export async function openTestSinks(
  dir: string,
  configured: object,
  more: { takeLeftovers?: boolean; log?: Logger } = {},
): Promise<Sinks> {
  const { sinks: configs } = parseAgentConfig(
    JSON.stringify({
      node: { uid: 'n', name: 'n' },
      podsFile: 'p',
      controlPlane: { url: 'http://127.0.0.1:1' },
      listen: { port: 0 },
      spool: { dir },
      sinks: configured,
    }),
  );
  const sinks = await openSinks({
    configs,
    dir,
    takeLeftovers: true,
    boot: randomBytes(8).toString('hex'),
    startedMs: Date.now(),
    source: '/nodes/n/b',
    clock: systemClock,
    random: Math.random,
    log: pino({ level: 'silent' }),
    ...more,
  });
  sinks.wake();
  return sinks;
}
