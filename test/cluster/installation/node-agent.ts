import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { agentPort } from '../../../knative/render/agent/names.ts';
import type { NodeTier } from '../tiers/node.ts';

const run = promisify(execFile);
const counts = z.record(z.string(), z.int());

const ledger = z.looseObject({
  boot: z.string(),
  source: z.string(),
  atMs: z.number(),
  unexplained: z.int(),
  capture: z.looseObject({
    requests: z.looseObject({ seen: z.int(), spans: z.int(), open: z.int(), lost: counts }),
  }),
  sink: z.looseObject({ accepted: z.looseObject({ spans: z.int() }) }),
  inherited: z.looseObject({ pending: z.looseObject({ batches: z.int() }) }),
  evidence: z.looseObject({ accepted: z.int() }),
  attachments: z.looseObject({ attached: z.int(), waiting: z.int() }),
  taps: z.looseObject({ known: z.int() }),
});

/** The parts of an agent's ledger that tests look at. */
export type NodeLedger = z.output<typeof ledger>;

const ask = `
const answer = await fetch(process.argv[1]);
process.stdout.write(await answer.text());
`;

/** The ledger of the node's agent, which listens on the node's loopback alone. */
export async function readNodeLedger({ network }: Pick<NodeTier, 'network'>): Promise<NodeLedger> {
  const { stdout } = await run('nsenter', [
    `--net=/run/netns/${network.namespace}`,
    process.execPath,
    '--input-type=module',
    '--eval',
    ask,
    `http://127.0.0.1:${agentPort}/ledger`,
  ]);
  return ledger.parse(JSON.parse(stdout));
}
