import type { RedRow } from '../../functions/analytics/store.ts';
import { effectText } from '../../functions/lib/effect-text.ts';
import type { LoadReport } from '../../infra/samples/sdc/load-report.ts';
import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Cause, Ledger } from './ledger.ts';

/** Lines of a table: the first column left, the others right aligned, two spaces between. */
export function renderTable(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Requests, errors and latency per hop and version over a window of `seconds`. */
export function renderHops(rows: readonly RedRow[], seconds: number): string[] {
  const header = ['SERVICE', 'VERSION', 'REQ/S', 'ERRORS', 'P50 MS', 'P95 MS', 'P99 MS'];
  const body = rows
    .filter((row) => row.kind.toUpperCase().endsWith('SERVER'))
    .map((row) => [
      row.service,
      row.version || '-',
      (row.requests / seconds).toFixed(0),
      `${((100 * row.errors) / Math.max(1, row.requests)).toFixed(1)} %`,
      row.p50.toFixed(2),
      row.p95.toFixed(2),
      row.p99.toFixed(2),
    ]);
  return renderTable([header, ...body]);
}

/** One sentence on where a run stands and what its newest look saw. */
export function renderRun(run: ExperimentRun): string {
  const { plan } = run.spec;
  const { phase = 'Pending', intent, evidence, verdict } = run.status;
  const share = intent === undefined ? '' : `, ${intent.variantWeight} % on ${plan.variant}`;
  const fault = intent?.fault === undefined ? '' : ' with a fault';
  const samples =
    evidence === undefined
      ? ''
      : `; judged ${evidence.samples.control} + ${evidence.samples.variant} requests`;
  const effects = (evidence?.effects ?? [])
    .map((effect) =>
      // Of a few errors the ratio's interval says less than they do.
      effect.metric === 'errors'
        ? `; errors ${evidence?.errors.control} + ${evidence?.errors.variant}`
        : `; ${effectText(effect)}`,
    )
    .join('');
  const outcome = verdict === undefined ? '' : ` → ${verdict}`;
  return `${phase}${share}${fault}${samples}${effects}${outcome}`;
}

/** What the load generator got, in one sentence. */
export function renderAnswers({ sent, stamps, errors }: LoadReport): string {
  const answers = new Map<string, number>();
  for (const { status } of stamps) {
    for (const [code, count] of Object.entries(status)) {
      answers.set(code, (answers.get(code) ?? 0) + count);
    }
  }
  const parts = [...answers, ...Object.entries(errors)].map(([what, count]) => `${what} ×${count}`);
  return `${sent} requests: ${parts.join(', ')}`;
}

const causes: readonly Cause[] = ['before-start', 'warm-up', 'in-flight', 'after-verdict'];

/** The closing table with the causes of every difference. */
export function renderLedger(ledger: Ledger): string[] {
  const header = ['VERSION', 'SENT', 'PROXIED', 'SEEN', 'STORED', 'JUDGED', ...causes];
  const rows = ledger.versions.map((row) => [
    row.version,
    ...[row.sent, row.proxied, row.seen, row.stored, row.judged].map(String),
    ...causes.map((cause) => String(row.causes[cause])),
  ]);
  return [
    ...renderTable([header, ...rows, ['unattributed', String(ledger.unattributed)]]),
    `judged + causes = seen; unexplained: ${ledger.unexplained}`,
  ];
}
