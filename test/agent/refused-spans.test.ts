import test from 'ava';
import { eventually, makeBed } from './helpers/test-agent.ts';

test('what ingest does not take for want of a token it may have is kept, and the ledger says why', async (t) => {
  const bed = await makeBed(t);
  let status = 0;
  bed.plane.answer('/functions/ingest', () => ({ status, body: '{"code":"CLV_X"}' }));
  const { agent, capture } = await bed.start();
  for (const refused of [401, 403, 502, 503]) {
    status = refused;
    capture.finish(1);
    await capture.flush();
    await eventually(
      'a refusal',
      async () => true === (await bed.ledger(agent)).ingestRefusal?.startsWith(`status ${refused}`),
    );
  }
  const during = await bed.ledger(agent);
  t.is(during.ingestRefusal, 'status 503 {"code":"CLV_X"}');
  t.is(during.sink.pending.spans, 4);
  t.is(during.unexplained, 0);
  status = 204;
  await eventually('delivery', async () => (await bed.ledger(agent)).sink.accepted.spans === 4);
  t.is((await bed.ledger(agent)).ingestRefusal, undefined);
});
