/** Figures of a bench by name; a nested record is a figure by cause. */
export type Figures = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

/**
 * Measures something and cleans up after itself.
 *
 * @param progress one line for people who wait; goes to stderr.
 * @param signal aborted on SIGINT and SIGTERM: end soon, and clean up all the same.
 */
export type Bench = (
  progress: (line: string) => void,
  signal: AbortSignal,
  options: BenchOptions,
) => Promise<Figures>;

/** What may be said on the command line. */
export interface BenchOptions {
  /** Of a bench that lasts as long as one likes. */
  readonly minutes: number;
}

/** An entry of the table of benches. */
export interface BenchEntry {
  readonly name: string;
  readonly summary: string;
  /** Imports the bench only when it runs. */
  readonly load: () => Promise<Bench>;
}

/** Figures as aligned lines for people. */
export function formatFigures(figures: Figures): string {
  const rows = Object.entries(figures).map(([name, value]): [string, string] => [
    name,
    typeof value === 'number' ? formatNumber(value) : formatCauses(value),
  ]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function formatNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 100 ? 4 : 0 });
}

function formatCauses(causes: Readonly<Record<string, number>>): string {
  const parts = Object.entries(causes).filter(([, count]) => count !== 0);
  return parts.map(([cause, count]) => `${cause} ${formatNumber(count)}`).join(', ') || 'none';
}
