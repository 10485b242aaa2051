import { eventHeaders } from '../functions/lib/event-headers.ts';
import { eventTypes } from '../knative/events.ts';
import type { Deliver } from './delivery.ts';
import type { HttpClient } from './http-client.ts';
import type { SpoolHeader } from './spool-file.ts';

/** As long as a function may take by the catalogue (PT30S). */
const timeoutMs = 30_000;

/** Statuses that mean "never": the receiver understood the batch and refuses its content. */
const poison: ReadonlySet<number> = new Set([400, 413, 422]);

/** A batch as one CloudEvent for the ingest function; 2xx means stored. */
export function deliverToIngest(http: HttpClient): Deliver {
  return async ({ header, body }, signal) => {
    const answer = await http.request({
      method: 'POST',
      headers: spanHeaders(header),
      body,
      timeoutMs,
      signal,
    });
    const { status, retryAfterMs } = answer;
    if (status >= 200 && status < 300) return { kind: 'taken', refused: 0 };
    const why = `status ${status} ${answer.body.toString('utf8', 0, 500)}`.trimEnd();
    return poison.has(status) ? { kind: 'never', why } : { kind: 'later', why, retryAfterMs };
  };
}

function spanHeaders(header: SpoolHeader): Record<string, string> {
  return {
    ...eventHeaders({
      specversion: '1.0',
      type: eventTypes.spans,
      source: header.source,
      id: header.id,
      time: header.time,
      datacontenttype: 'application/x-protobuf',
      extensions: {
        cloverspans: String(header.spans),
        cloverwm: String(header.watermarkMs),
        ...(header.loss === '' ? {} : { cloverloss: header.loss }),
      },
    }),
    'content-encoding': 'zstd',
  };
}
