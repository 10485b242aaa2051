// The story on a cluster of its own: npm run demo:cluster [-- --json] [-- --keep].
import process from 'node:process';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { createLineScreen } from '../../../cloverctl/demo/screen.ts';
import { createCliEnv, untilStopped } from '../../../cloverctl/env.ts';
import { exitCodes } from '../../../cloverctl/exit-codes.ts';
import { runClusterDemo } from './run.ts';

const usage = `usage: npm run demo:cluster -- [--json] [--keep]

  --json   one JSON document as the last line
  --keep   leave everything up at the end, until Ctrl-C

Exit code 0 only if both verdicts are right, kubectl get experiments -w has printed them, the closing table closes, events have
woken evaluate, notify and policy from zero, and agents ingest, and no event became a dead letter.
`;

const okLine =
  'ok: both verdicts are right and kubectl printed them, the ledger closes, events and agents have woken the functions, and there is no dead letter';

async function main(): Promise<void> {
  const env = createCliEnv(process);
  const line = (text: string): void => void env.stdout.write(`${text}\n`);
  let wishes: { readonly json: boolean; readonly keep: boolean };
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    });
    wishes = values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return env.fail(exitCodes.usage);
  }
  env.hold();
  const log = pino({ level: 'warn', base: null }, pino.destination({ dest: 2, sync: true }));
  const { clock, signal } = env;
  try {
    const report = await runClusterDemo({
      // A log to read later: nothing in it is drawn over.
      screen: createLineScreen(line),
      log,
      clock,
      signal,
      ...(wishes.keep && {
        onEnd: async (kubeconfig) => {
          line(`Everything stays up until Ctrl-C: export KUBECONFIG=${kubeconfig}`);
          await untilStopped(signal);
        },
      }),
    });
    if (wishes.json) line(JSON.stringify(report));
    else line(report.ok ? okLine : 'NOT ok');
    if (!report.ok) env.fail(exitCodes.failed);
  } catch (error) {
    if (!signal.aborted) {
      process.stderr.write(
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    }
    env.fail(signal.aborted ? exitCodes.stopped : exitCodes.failed);
  }
}

await main();
