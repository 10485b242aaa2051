import test from 'ava';
import { socketFamilies } from '../../agent/socket-metrics.ts';
import { prometheusText } from '../../functions/lib/metrics/prometheus-text.ts';
import { makeBed } from './helpers/test-agent.ts';

const samplesOf = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith('clover_agent_sockets_'));

test('sockets are told by what came of their comparison', (t) => {
  const text = prometheusText(
    socketFamilies({ compared: 7, differ: { bypass: 2 }, uncompared: { late: 1, unread: 3 } }),
  );
  t.deepEqual(samplesOf(text), [
    'clover_agent_sockets_compared_total 7',
    'clover_agent_sockets_differing_total{difference="bypass"} 2',
    'clover_agent_sockets_uncompared_total{reason="late"} 1',
    'clover_agent_sockets_uncompared_total{reason="unread"} 3',
  ]);
});

test('the agent serves them', async (t) => {
  const bed = await makeBed(t);
  const { agent } = await bed.start();
  const answer = await fetch(`http://127.0.0.1:${agent.port}/metrics`);
  t.deepEqual(samplesOf(await answer.text()), ['clover_agent_sockets_compared_total 0']);
});
