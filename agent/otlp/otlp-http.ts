import type { Deliver } from '../delivery.ts';
import type { HttpClient } from '../http-client.ts';
import { takenBy } from './export-response.ts';

/** OTLP/HTTP, "Retryable Response Codes"; every other status from 400 on means never. */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const timeoutMs = 10_000;

/** Binary protobuf over HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp); the client's URL is the base. */
export function deliverOverHttp(
  http: HttpClient,
  path: string,
  headers: Readonly<Record<string, string>>,
): Deliver {
  return async ({ body }, signal) => {
    const answer = await http.request({
      method: 'POST',
      path,
      headers: {
        ...headers,
        'content-type': 'application/x-protobuf',
        'content-encoding': 'gzip',
      },
      body,
      timeoutMs,
      signal,
    });
    const { status, retryAfterMs } = answer;
    if (status >= 200 && status < 300) return takenBy(answer.body);
    if (retryable.has(status)) return { kind: 'later', why: `status ${status}`, retryAfterMs };
    return { kind: 'never', why: `status ${status}` };
  };
}
