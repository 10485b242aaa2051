import type { RedRow, TimeWindow } from '../../functions/analytics/store.ts';
import type { Tone } from './colour.ts';
import { table, type Column, type TableLook } from './table.ts';

/** Columns that rows can be ordered by. */
export const redOrders = ['requests', 'errors', 'p99'] as const;

/** A column that rows can be ordered by. */
export type RedOrder = (typeof redOrders)[number];

/** Rows with the greatest value first; equal ones stay as they are. */
export function sortRed(rows: readonly RedRow[], by: RedOrder): readonly RedRow[] {
  // Not a number stands for a latency that nobody knows.
  const value = (row: RedRow): number => (Number.isFinite(row[by]) ? row[by] : -1);
  return rows.toSorted((a, b) => value(b) - value(a));
}

/** Requests, errors and latency as a table; without a column of versions where there is none. */
export function redTable(
  rows: readonly RedRow[],
  { from, to }: TimeWindow,
  versions = true,
  look: TableLook = {},
): readonly string[] {
  const seconds = (to - from) / 1_000;
  return table(
    columns(seconds).filter(({ head }) => versions || head !== 'VERSION'),
    rows,
    look,
  );
}

const ms = (value: number): string => (Number.isFinite(value) ? `${value.toFixed(1)}ms` : '-');

/** None where nothing failed, and the worse one from a request in a hundred on. */
function errorTone({ errors, requests }: RedRow): Tone | undefined {
  if (errors === 0 || requests === 0) return undefined;
  return errors / requests < 0.01 ? 'doubtful' : 'bad';
}

function columns(seconds: number): readonly Column<RedRow>[] {
  return [
    { head: 'SERVICE', cell: ({ service }) => service, whole: true },
    { head: 'VERSION', cell: ({ version }) => version || '-' },
    { head: 'KIND', cell: ({ kind }) => kind },
    { head: 'REQUESTS', cell: ({ requests }) => String(requests), align: 'right' },
    {
      head: 'RATE',
      cell: ({ requests }) => `${(requests / seconds).toFixed(1)}/s`,
      align: 'right',
    },
    { head: 'ERRORS', cell: ({ errors }) => String(errors), align: 'right' },
    {
      head: 'RATIO',
      cell: ({ errors, requests }) =>
        requests === 0 ? '-' : `${((errors / requests) * 100).toFixed(2)}%`,
      align: 'right',
      tone: (_, row) => errorTone(row),
    },
    { head: 'P50', cell: ({ p50 }) => ms(p50), align: 'right' },
    { head: 'P95', cell: ({ p95 }) => ms(p95), align: 'right' },
    { head: 'P99', cell: ({ p99 }) => ms(p99), align: 'right' },
  ];
}
