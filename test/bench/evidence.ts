import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { startEmbeddedClickHouse } from '../../functions/analytics/embedded.ts';
import { createClickHouseEvidenceStore } from '../../functions/evidence/clickhouse-evidence-store.ts';
import type { EvidenceStore } from '../../functions/evidence/evidence-store.ts';
import { createSqliteEvidenceStore } from '../../functions/evidence/sqlite-evidence-store.ts';
import { systemClock } from '../../functions/lib/clock.ts';
import type { EvidenceReport } from '../../knative/events.ts';
import type { Figures } from './lib/bench.ts';

const agents = 32;
const reports = 30;
const cellsPerReport = 12;
const looks = 100;

/**
 * 32 agents that report as fast as they are answered, 12 cells a report: reports per second; then milliseconds to append one look
 * of 2 KiB, and to read all cells of the run. All of it is on the disk when it is answered.
 */
export async function benchEvidence(
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-bench-'));
  const log = pino({ level: 'silent' });
  const server = await startEmbeddedClickHouse({ dataDir: join(folder, 'clickhouse'), log });
  const { url, username, password } = server;
  const stores: Readonly<Record<string, EvidenceStore>> = {
    sqlite: createSqliteEvidenceStore({ path: join(folder, 'evidence.db') }),
    clickhouse: createClickHouseEvidenceStore(
      { url, username, password, database: 'clover' },
      { clock: systemClock, log },
    ),
  };
  const figures: Record<string, Record<string, number>> = {
    reportsPerSecond: {},
    appendLookMs: {},
    readCellsMs: {},
  };
  const note = (figure: string, name: string, value: number): void => {
    figures[figure] = { ...figures[figure], [name]: value };
    progress(`${name}: ${figure} ${value.toFixed(1)}`);
  };
  try {
    for (const [name, store] of Object.entries(stores)) {
      await store.lastLook('r');
      const began = performance.now();
      await Promise.all(
        Array.from({ length: agents }, async (_, agent) => {
          for (let sequence = 1; sequence <= reports; sequence += 1) {
            signal.throwIfAborted();
            await store.merge(`/nodes/n${agent}/1`, reportOf(agent, sequence), Date.now());
          }
        }),
      );
      const seconds = (performance.now() - began) / 1_000;
      note('reportsPerSecond', name, (agents * reports) / seconds);
      const appending = performance.now();
      const body = 'x'.repeat(2_048);
      for (let number = 1; number <= looks; number += 1) {
        await store.appendLook({ run: 'r', number, previous: 'p', hash: 'h', body });
      }
      note('appendLookMs', name, (performance.now() - appending) / looks);
      const reading = performance.now();
      for (let turn = 0; turn < 10; turn += 1) await store.cells('r');
      note('readCellsMs', name, (performance.now() - reading) / 10);
    }
    return { ...figures, cells: (await stores['sqlite']?.cells('r'))?.length ?? 0 };
  } finally {
    for (const store of Object.values(stores)) await store.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function reportOf(agent: number, sequence: number): EvidenceReport {
  const block = 1_800_000_000 + sequence;
  return {
    sequence,
    watermarkMs: block * 1_000,
    openTimeoutMs: 10_000,
    cells: Array.from({ length: cellsPerReport }, (_, index) => ({
      splitter: `default/gateway-${agent}`,
      run: 'r',
      epoch: 1,
      arm: index % 2 === 0 ? 'control' : 'variant',
      // A second is told again until all of it is answered.
      block: block - Math.floor(index / 2),
      sequence,
      started: 100,
      done: 100,
      errors: 0,
      stuck: 0,
      sumLog: -600,
      sumLogSq: 3_600,
      histogram: Array.from({ length: 20 }, (__, bucket): [number, number] => [300 + bucket, 5]),
    })),
  };
}
