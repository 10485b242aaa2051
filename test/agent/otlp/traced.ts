import { createReplay } from '../../../native/capture/capture.ts';
import type { SpanBatch } from '../../../native/capture/types.ts';
import { frameOf } from '../../native/capture/frames.ts';
import { pod, segmentsOf, startNs } from '../../native/capture/conversation.ts';

const exchange = {
  request: Buffer.from('GET /a HTTP/1.1\r\nHost: a\r\n\r\n'),
  response: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  method: 'GET',
  path: '/a',
  status: 200,
  requestBytes: 0,
  responseBytes: 0,
};

/** A batch of the capture with so many spans of each pod, by its uid. */
export async function batchOf(
  spans: Readonly<Record<string, number>>,
  sequence = 1,
): Promise<SpanBatch> {
  const batches: SpanBatch[] = [];
  const boot = sequence.toString(16).padStart(16, '0');
  const replay = createReplay({ boot, onBatch: (batch) => batches.push(batch) });
  for (const [index, [uid, count]] of Object.entries(spans).entries()) {
    replay.attach(index + 1, { ...pod, uid, name: uid });
    const groups = Array.from({ length: count }, () => [exchange]);
    const wire = { clientIsn: 1, serverIsn: 1, cuts: [1_400], timeNs: startNs };
    for (const segment of segmentsOf(groups, wire)) {
      replay.frame(index + 1, segment.toPod, segment.timeNs, frameOf(segment));
    }
  }
  await replay.flush();
  await replay.close();
  const [batch] = batches;
  if (batch === undefined || batches.length !== 1) throw new Error('not one batch');
  return { ...batch, sequence };
}
