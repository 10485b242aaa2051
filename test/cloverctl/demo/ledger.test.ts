import test from 'ava';
import fc from 'fast-check';
import { closeLedger, type Accounts, type SeenCount } from '../../../cloverctl/demo/ledger.ts';
import { second, shiftRun } from './helpers/shift-run.ts';

const seen: readonly SeenCount[] = [
  { run: '-', epoch: 1, arm: 'v1', block: second, requests: 100 },
  { run: 'shift-1', epoch: 1, arm: 'control', block: second + 11, requests: 10 },
  { run: 'shift-1', epoch: 1, arm: 'control', block: second + 15, requests: 50 },
  { run: 'shift-1', epoch: 1, arm: 'control', block: second + 20, requests: 5 },
  { run: 'shift-1', epoch: 1, arm: 'variant', block: second + 15, requests: 48 },
  { run: 'shift-1', epoch: 2, arm: 'variant', block: second + 21, requests: 200 },
];

function accounts(changes: Partial<Accounts> = {}): Accounts {
  return {
    sent: seen,
    unattributed: 0,
    proxied: new Map([
      ['v1', 165],
      ['v2', 248],
    ]),
    seen,
    stored: seen,
    runs: [shiftRun({ control: 50, variant: 48 })],
    ...changes,
  };
}

test('a ledger whose observers agree closes, with every unjudged request under its cause', (t) => {
  const ledger = closeLedger(accounts());
  t.is(ledger.unexplained, 0);
  t.deepEqual(ledger.versions, [
    {
      version: 'v1',
      sent: 165,
      proxied: 165,
      seen: 165,
      stored: 165,
      judged: 50,
      causes: { 'before-start': 100, 'warm-up': 10, 'in-flight': 5, 'after-verdict': 0 },
    },
    {
      version: 'v2',
      sent: 248,
      proxied: 248,
      seen: 248,
      stored: 248,
      judged: 48,
      causes: { 'before-start': 0, 'warm-up': 0, 'in-flight': 0, 'after-verdict': 200 },
    },
  ]);
});

test('a request that one observer alone missed is unexplained, whoever it was', (t) => {
  const short = seen.map((count, index) => (index === 0 ? { ...count, requests: 99 } : count));
  t.is(closeLedger(accounts({ stored: short })).unexplained, 1);
  t.is(closeLedger(accounts({ sent: short })).unexplained, 2);
  t.is(closeLedger(accounts({ proxied: new Map([['v1', 165]]) })).unexplained, 248);
  t.is(closeLedger(accounts({ unattributed: 3 })).unexplained, 3);
});

test('judged requests that the splitting point never saw are unexplained', (t) => {
  const runs = [shiftRun({ control: 51, variant: 48 })];
  t.is(closeLedger(accounts({ runs })).unexplained, 1);
});

test('a stamp of a run that nobody knows stands in a row of its own', (t) => {
  const stray = [{ run: 'ghost', epoch: 1, arm: 'control', requests: 1 }];
  const ledger = closeLedger(accounts({ sent: [...seen, ...stray] }));
  t.true(ledger.versions.some((row) => row.version === 'unknown (ghost)'));
  t.true(ledger.unexplained > 0);
});

test('every seen request is judged or has exactly one cause', (t) => {
  const count = fc.record({
    run: fc.constantFrom('-', 'shift-1'),
    epoch: fc.integer({ min: 1, max: 2 }),
    arm: fc.constantFrom('control', 'variant'),
    block: fc.integer({ min: second, max: second + 40 }),
    requests: fc.integer({ min: 1, max: 1000 }),
  });
  fc.assert(
    fc.property(fc.array(count), (counts) => {
      const stampedOnly = counts.filter(({ run }) => run !== '-');
      const judgeable = (arm: string): number =>
        stampedOnly
          .filter((c) => c.arm === arm && c.epoch === 1)
          .filter((c) => c.block >= second + 13 && c.block < second + 20)
          .reduce((sum, c) => sum + c.requests, 0);
      const samples = { control: judgeable('control'), variant: judgeable('variant') };
      const ledger = closeLedger(
        accounts({
          sent: stampedOnly,
          seen: stampedOnly,
          stored: stampedOnly,
          proxied: new Map(),
          runs: [shiftRun(samples)],
        }),
      );
      return ledger.versions.every(
        (row) => row.judged + Object.values(row.causes).reduce((a, b) => a + b, 0) === row.seen,
      );
    }),
  );
  t.pass();
});
