import type { KubernetesEvent } from '../../knative/kubernetes-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { RecordInput, RecordQuery } from './event-recorder.ts';

/** Kubernetes' own limit of a note. */
const noteBytes = 1_024;

/** `reportingController` of every record. */
export const controller = 'clover.dev/notify';

/** Records of a page, if nobody says otherwise. */
export const defaultLimit = 500;

/** What is not seen again for this long is over, as client-go has it: the next time is another record. */
export const seriesMs = 6 * 60_000;

/** What makes two records the same one seen twice. */
export function wordsOf({ type, reason, action, note, regarding, related }: RecordInput): string {
  return JSON.stringify([regarding.uid, related?.uid, type, reason, action, shorten(note)]);
}

/** Kubernetes' MicroTime. */
export function microTime(at: number): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}

/** Cut at a character, within Kubernetes' limit. */
export function shorten(note: string): string {
  if (Buffer.byteLength(note) <= noteBytes) return note;
  const cut = Buffer.from(note)
    .subarray(0, noteBytes - 3)
    .toString('utf8');
  return `${cut.replace(/\uFFFD+$/, '')}…`;
}

/** Whether a record is one that the query asks for. */
export function isWanted(record: KubernetesEvent, query: RecordQuery): boolean {
  const { namespace = record.metadata.namespace, object = {} } = query;
  if (namespace !== record.metadata.namespace) return false;
  if ((query.type ?? record.type) !== record.type) return false;
  if ((query.reason ?? record.reason) !== record.reason) return false;
  return [record.regarding, record.related].some(
    (part) =>
      part !== undefined &&
      (['kind', 'name', 'uid'] as const).every(
        (field) => (object[field] ?? part[field]) === part[field],
      ),
  );
}

/** The `continue` of a page is none that a list gave. */
export function badContinue(found: string): CloverError {
  const message = `found "${found}"; must be the "continue" of the page before`;
  return new CloverError('CLV_ARGUMENT_INVALID', `continue: ${message}`, {
    details: [{ field: 'continue', message }],
  });
}
