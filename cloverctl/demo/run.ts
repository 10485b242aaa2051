import { once } from 'node:events';
import type { Logger } from 'pino';
import { createApiClient } from '../../functions/api/client.ts';
import type { Clock } from '../../functions/lib/clock.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { createSdc } from '../../infra/samples/sdc/deploy.ts';
import { startLoad, type Load } from '../../infra/samples/sdc/load.ts';
import { sdcPods, sdcPort } from '../../infra/samples/sdc/topology.ts';
import { assertRoot } from '../supervisor/machine.ts';
import { envoyProgram } from '../supervisor/programs.ts';
import { startStack, type Stack } from '../supervisor/stack.ts';
import { sweep } from '../supervisor/sweep.ts';
import { withRun, type RunSite } from '../supervisor/with-run.ts';
import type { DemoReport } from './report.ts';
import type { Screen } from './screen.ts';
import { tellStory } from './story.ts';

/** How a demo is run. */
export interface DemoOptions {
  readonly screen: Screen;
  readonly log: Logger;
  readonly clock: Clock;
  /** Ends the demo at any instant; everything is taken down all the same. */
  readonly signal: AbortSignal;
  /** Called after the story, with everything still up, and traffic again. */
  readonly onEnd?: (report: DemoReport, stack: Stack) => Promise<void>;
}

/**
 * Runs the whole loop on real traffic and takes everything down, whatever happens. Runs that were
 * killed before are taken down first.
 */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { screen, log, signal, onEnd } = options;
  assertRoot();
  screen.step('Deploy: the sample network function behind Envoy, and Clover beside it');
  for (const { path } of await sweep()) screen.note(`took down what ${path} had left`);
  return withRun({ kind: 'demo', log }, async (site) => {
    const told = perform(site, options);
    // After an abort the story may still wait for something: it is not waited for.
    told.catch(() => undefined);
    try {
      const { report, stack } = await Promise.race([told, aborted(signal)]);
      // From here on a signal is the wished end.
      await onEnd?.(report, stack);
      return report;
    } finally {
      screen.close();
      if (signal.aborted) screen.note('stopped: taking everything down');
    }
  });
}

async function perform(
  { run, supervisor }: RunSite,
  { screen, log, clock, signal, onEnd }: DemoOptions,
): Promise<{ readonly report: DemoReport; readonly stack: Stack }> {
  const sdc = createSdc({ run, supervisor });
  await sdc.up();
  screen.note(
    'client → gateway (Envoy) → proxy v1 → load balancer → 3 web servers: nginx, a namespace each',
  );
  const stack = await startStack({
    run,
    supervisor,
    log,
    podsFile: sdc.podsFile,
    envoy: envoyProgram(),
    gatewayNamespace: sdc.network.namespaceOf('gateway'),
  });
  screen.note(`control plane, ClickHouse, Envoy and agent are ready; logs in ${run.path}/logs`);
  const load = (): Promise<Load> =>
    startLoad({
      supervisor,
      namespace: sdc.network.namespaceOf('client'),
      plan: { host: sdcPods.gateway.address, port: sdcPort, rate: 200 },
    });
  const report = await tellStory({
    client: createApiClient({ url: stack.url, token: stack.token, clock }),
    sdc,
    startLoad: load,
    adminSocket: stack.adminSocket,
    agentUrl: stack.agentUrl,
    screen,
    clock,
    signal,
  });
  // The story has ended its load, to the request; whoever stays finds traffic to experiment with.
  if (onEnd !== undefined) await load();
  return { report, stack };
}

async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw new CloverError('CLV_INTERNAL', 'the demo was stopped');
}
