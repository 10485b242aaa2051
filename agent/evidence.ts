import type { Logger } from 'pino';
import {
  eventTypes,
  mostTapReports,
  type EvidenceCell,
  type TapReport,
} from '../knative/events.ts';
import type { Capture } from '../native/capture/types.ts';
import { eventHeaders } from '../functions/lib/event-headers.ts';
import type { HttpClient } from './http-client.ts';
import type { Causes } from './loss.ts';
import { createRest, type RestOptions } from './rest.ts';

/** Counters of {@link EvidenceReporter}, cumulative. */
export interface EvidenceCounters {
  /** Reports sent; the newest one's sequence. */
  readonly sent: number;
  readonly accepted: number;
  readonly failed: number;
  /** Whether the newest was not accepted. */
  readonly failing: boolean;
  /** Revision of the capture's evidence that was accepted. */
  readonly acked: number;
}

/** Sends evidence to the broker. */
export interface EvidenceReporter {
  /**
   * To be called each second. Sends everything that changed since the last accepted report, and the watermark also when
   * nothing changed, unless the agent has said that it rests. Resolves whether nothing is left to send; never rejects.
   */
  readonly report: () => Promise<boolean>;
  /** Sends a last report, which says of no rest: nobody sees what comes now. */
  readonly end: () => Promise<boolean>;
  counters(): EvidenceCounters;
}

/** What {@link createEvidenceReporter} needs. */
export interface EvidenceReporterOptions extends RestOptions {
  readonly capture: Pick<Capture, 'evidence'>;
  /** To the broker. */
  readonly http: HttpClient;
  /** Attributes of each event beside its own. */
  readonly extensions: Readonly<Record<string, string>>;
  readonly boot: string;
  readonly source: string;
  readonly openTimeoutMs: number;
  /** What was lost in this boot, by `group.cause`; cumulative. */
  readonly loss: () => Causes;
  /** Taps that select pods of the node. */
  readonly taps: () => readonly TapReport[];
  readonly log: Logger;
}

const timeoutMs = 5_000;
/** Control events stay below 256 KiB; this leaves room for what stands around cells, losses and Taps. */
const reportBytesLimit = 255 * 1024;
/** A snapshot this long may leave cells behind: its watermark is not reached yet. */
const snapshotLimit = 20_000;

/** A reporter without a queue: what was not accepted is sent again with its newest values. */
export function createEvidenceReporter(options: EvidenceReporterOptions): EvidenceReporter {
  const { capture, http, extensions, boot, source, openTimeoutMs, loss, taps, log } = options;
  const rest = createRest(options);
  let sequence = 0;
  let accepted = 0;
  let acked = 0;
  let watermarkMs = 0;
  let failing = false;

  const send = async (said: string, cells: string): Promise<void> => {
    // Also a report that failed keeps its number: the receiver may have committed it.
    sequence += 1;
    const body = `{"sequence":${sequence},"openTimeoutMs":${openTimeoutMs},${said},"cells":[${cells}]}`;
    const answer = await http.request({
      method: 'POST',
      headers: eventHeaders({
        specversion: '1.0',
        type: eventTypes.evidence,
        source,
        id: `${boot}-e${sequence}`,
        time: new Date().toISOString(),
        datacontenttype: 'application/json',
        extensions,
      }),
      body: Buffer.from(body),
      timeoutMs,
    });
    if (answer.status < 200 || answer.status >= 300) throw new Error(`status ${answer.status}`);
    accepted += 1;
  };

  const sendChanges = async (ending: boolean): Promise<void> => {
    let whole = false;
    while (!whole) {
      const snapshot = capture.evidence(acked);
      whole = snapshot.cells.length < snapshotLimit;
      const said = `"loss":${JSON.stringify(loss())},"taps":${JSON.stringify(taps().slice(0, mostTapReports))}`;
      const resting = rest.see({ ...snapshot, said }) && !ending;
      if (resting && !rest.isDue()) return;
      const parts = packCells(snapshot.cells, reportBytesLimit - Buffer.byteLength(said));
      for (const [index, part] of parts.entries()) {
        const last = whole && index === parts.length - 1;
        const watermark = last ? snapshot.watermarkMs : watermarkMs;
        await send(`"watermarkMs":${watermark},"resting":${resting},${said}`, part);
      }
      acked = snapshot.revision;
      if (whole) watermarkMs = snapshot.watermarkMs;
      if (resting) rest.said();
    }
  };

  const attempt = async (ending: boolean): Promise<boolean> => {
    try {
      await sendChanges(ending);
      if (failing) log.info('the broker takes evidence again');
      failing = false;
    } catch (error) {
      if (!failing) log.warn({ why: String(error) }, 'the broker does not take evidence');
      failing = true;
    }
    return !failing;
  };

  return {
    report: () => attempt(false),
    end: () => attempt(true),
    counters: () => ({ sent: sequence, accepted, failed: sequence - accepted, failing, acked }),
  };
}

/** Cells as JSON, joined into texts of at most `limit` bytes each; one empty text for no cells. */
export function packCells(cells: readonly EvidenceCell[], limit: number): string[] {
  const parts: string[] = [];
  let part: string[] = [];
  let size = 0;
  for (const cell of cells) {
    const text = JSON.stringify(cell);
    const length = Buffer.byteLength(text) + 1;
    if (size + length > limit && part.length > 0) {
      parts.push(part.join(','));
      part = [];
      size = 0;
    }
    part.push(text);
    size += length;
  }
  parts.push(part.join(','));
  return parts;
}
