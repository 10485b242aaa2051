import test from 'ava';
import fc from 'fast-check';
import {
  decodeSpoolFile,
  encodeSpoolFile,
  formatSpoolName,
  parseSpoolName,
} from '../../agent/spool-file.ts';

const names = fc.record({
  startedMs: fc.nat(2 ** 42),
  boot: fc.bigInt(0n, 2n ** 64n - 1n).map((value) => value.toString(16).padStart(16, '0')),
  sequence: fc.nat(2_000_000_000),
  spans: fc.nat(),
});

const headerOf = (body: Uint8Array, loss: string) => ({
  source: '/nodes/n/00',
  id: '1',
  time: '2026-01-01T00:00:00Z',
  spans: 3,
  watermarkMs: 4.5,
  loss,
  bytes: body.length,
});

test('a name gives its parts back', (t) => {
  fc.assert(
    fc.property(names, (name) => {
      t.deepEqual(parseSpoolName(formatSpoolName(name)), name);
    }),
  );
});

test('the order of names is the order of boots, then of sequences', (t) => {
  fc.assert(
    fc.property(names, names, (a, b) => {
      const older =
        a.startedMs < b.startedMs ||
        (a.startedMs === b.startedMs && a.boot === b.boot && a.sequence < b.sequence);
      if (older) t.true(formatSpoolName(a) < formatSpoolName(b));
    }),
  );
  t.pass();
});

test('other files have no name', (t) => {
  for (const file of ['rejected', 'x.spans', '1-2-3-4.spans', '.spans.tmp']) {
    t.is(parseSpoolName(file), undefined);
  }
});

test('header and body survive the file', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (bytes, loss) => {
      const body = Buffer.from(bytes);
      const header = headerOf(body, loss);
      t.deepEqual(decodeSpoolFile(encodeSpoolFile(header, body)), { header, body });
    }),
  );
});

test('a file that was cut anywhere is found out', (t) => {
  const body = Buffer.from('some bytes of a body');
  const file = encodeSpoolFile(headerOf(body, 'a=1'), body);
  for (let length = 0; length < file.length; length += 1) {
    t.is(decodeSpoolFile(file.subarray(0, length)), undefined);
  }
});
