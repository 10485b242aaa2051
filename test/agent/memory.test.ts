import test from 'ava';
import { captureMemory } from '../../agent/memory.ts';

const mebibytes = (count: number): number => count * 2 ** 20;

const ringBytes = mebibytes(16);

test('a capture may hold what a limit leaves beside the ring and the process itself', (t) => {
  const cgroupBytes = mebibytes(96);
  t.is(captureMemory({ cgroupBytes, ringBytes }), mebibytes(42));
  t.is(captureMemory({ cgroupBytes, ringBytes, limitBytes: mebibytes(128) }), mebibytes(74));
  t.is(captureMemory({ cgroupBytes: mebibytes(512), ringBytes: mebibytes(64) }), mebibytes(410));
});

test('a limit that has no room leaves the least, and none is none', (t) => {
  t.is(captureMemory({ cgroupBytes: mebibytes(56), ringBytes }), mebibytes(4));
  t.is(captureMemory({ cgroupBytes: 0, ringBytes }), undefined);
  t.is(captureMemory({ cgroupBytes: 2 ** 64, ringBytes }), undefined);
});
