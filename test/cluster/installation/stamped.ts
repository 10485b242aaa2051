import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { armHeader, formatArmStamp, standingRun } from '../../../functions/lib/arm-stamp.ts';
import type { RunningPod } from './pods.ts';

const run = promisify(execFile);

const ask = `
const [url, header, stamp] = process.argv.slice(1);
const answer = await fetch(url, { headers: { ['answer-' + header]: stamp } });
if (answer.headers.get(header) !== stamp) throw new Error('the answer has no stamp');
`;

/**
 * Sends a request from one pod to another whose answer is stamped as a gateway does it. From then on requests to that pod are
 * evidence: the agent reports them each second, and for half a minute after the last one.
 */
export async function becomeSplitter(from: RunningPod, to: RunningPod): Promise<void> {
  const stamp = formatArmStamp({ run: standingRun, epoch: 1, arm: 'v1' });
  const url = `http://${to.address}:8080/stamped`;
  await run('nsenter', [
    `--net=/proc/${from.pid}/ns/net`,
    process.execPath,
    '--input-type=module',
    '--eval',
    ask,
    url,
    armHeader,
    stamp,
  ]);
}
