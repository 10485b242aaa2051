import test from 'ava';
import {
  renderAnswers,
  renderHops,
  renderLedger,
  renderRun,
  renderTable,
} from '../../../cloverctl/demo/render.ts';
import { shiftRun } from './helpers/shift-run.ts';

test('columns of a table line up', (t) => {
  t.deepEqual(
    renderTable([
      ['VERSION', 'SENT'],
      ['v1', '12345'],
    ]),
    ['VERSION   SENT', 'v1       12345'],
  );
});

test('hops show the server side of each service as a rate', (t) => {
  const row = { service: 'proxy', version: 'v1', requests: 500, errors: 5, p50: 1, p95: 2, p99: 3 };
  const lines = renderHops(
    [
      { ...row, kind: 'SERVER' },
      { ...row, kind: 'CLIENT' },
    ],
    5,
  );
  t.is(lines.length, 2);
  t.regex(lines[1] ?? '', /^proxy\s+v1\s+100\s+1\.0 %\s+1\.00\s+2\.00\s+3\.00$/);
});

test('a run is told in one sentence', (t) => {
  const run = shiftRun({ control: 50, variant: 48 });
  t.is(renderRun(run), 'Succeeded; judged 50 + 48 requests → PASS');
  const effects = [{ metric: 'latency' as const, estimate: 0.012, low: -0.03, high: 199 }];
  const evidence = run.status.evidence;
  if (evidence === undefined) throw new Error('the fixture has evidence');
  t.is(
    renderRun({ ...run, status: { ...run.status, evidence: { ...evidence, effects } } }),
    'Succeeded; judged 50 + 48 requests; latency +1.2 % [-3.0 %, ×200] → PASS',
  );
});

test('errors are told as counts, since the ratio of a few says little', (t) => {
  const run = shiftRun({ control: 50, variant: 48 });
  const { evidence } = run.status;
  if (evidence === undefined) throw new Error('the fixture has evidence');
  const effects = [{ metric: 'errors' as const, estimate: 0, low: -1, high: 999_999 }];
  const errors = { control: 0, variant: 3 };
  t.is(
    renderRun({ ...run, status: { ...run.status, evidence: { ...evidence, effects, errors } } }),
    'Succeeded; judged 50 + 48 requests; errors 0 + 3 → PASS',
  );
});

test('the closing table names every cause', (t) => {
  const causes = { 'before-start': 1, 'warm-up': 2, 'in-flight': 3, 'after-verdict': 4 };
  const row = { version: 'v1', sent: 20, proxied: 20, seen: 20, stored: 20, judged: 10, causes };
  const lines = renderLedger({ versions: [row], unattributed: 0, unexplained: 0 });
  t.regex(lines[0] ?? '', /JUDGED.*before-start.*warm-up.*in-flight.*after-verdict$/);
  t.regex(lines[1] ?? '', /^v1\s+20\s+20\s+20\s+20\s+10\s+1\s+2\s+3\s+4$/);
  t.is(lines.at(-1), 'judged + causes = seen; unexplained: 0');
});

test('what the load generator got is told by status and error', (t) => {
  const row = {
    broken: 0,
    firstAt: 1,
    lastAt: 2,
    lastSentAt: 1,
    latency: { p50: 1, p95: 1, p99: 1, max: 1 },
  };
  const report = {
    final: true,
    at: 3,
    sent: 10,
    open: 0,
    unattributed: 1,
    errors: { TIMEOUT: 1 },
    stamps: [
      { ...row, stamp: '-.1.v1', status: { '200': 5 }, responses: 5 },
      { ...row, stamp: '-.1.v2', status: { '200': 3, '503': 1 }, responses: 4 },
    ],
  };
  t.is(renderAnswers(report), '10 requests: 200 ×8, 503 ×1, TIMEOUT ×1');
});
