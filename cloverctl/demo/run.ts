import type { Logger } from 'pino';
import type { Clock } from '../../functions/lib/clock.ts';
import { createSdc } from '../../infra/samples/sdc/deploy.ts';
import { assertRoot } from '../supervisor/machine.ts';
import { envoyProgram } from '../supervisor/programs.ts';
import { startStack, type Stack } from '../supervisor/stack.ts';
import type { RunSite } from '../supervisor/with-run.ts';
import { inRun } from './in-run.ts';
import { createMachineStage } from './machine-stage.ts';
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

/** Runs the whole loop on real traffic, on this machine, and takes everything down, whatever happens. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { screen, log, signal, onEnd } = options;
  assertRoot();
  screen.step('Deploy: the sample network function behind Envoy, and Clover beside it');
  const { report } = await inRun(
    { kind: 'demo', screen, log, signal },
    (site) => perform(site, options),
    async ({ report: told, stack }) => onEnd?.(told, stack),
  );
  return report;
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
  const stage = createMachineStage({ sdc, stack, supervisor, screen, clock, signal });
  const report = await tellStory(stage);
  // The story has ended its load, to the request; whoever stays finds traffic to experiment with.
  if (onEnd !== undefined) await stage.startLoad();
  return { report, stack };
}
