import type { IncomingMessage, ServerResponse } from 'node:http';
import { monotonicMs } from '../../lib/monotonic.ts';
import { noTelemetry, type Telemetry, type TelemetrySpan } from '../telemetry.ts';

/** A request that is being measured. */
export interface TracedRequest {
  /** W3C trace context of the request's span, or the caller's own; undefined without any. */
  readonly traceparent: string | undefined;
  /** To be called when its response is closed; absent when it is not measured. */
  readonly end?: () => void;
}

/**
 * Health and scrapes say nothing of the work, and who sends OTLP here by mistake must not make spans of the sending: that
 * would go round for ever.
 */
const untraced = /^\/(?:health|metrics|v1\/(?:traces|metrics|logs))(?:[/?]|$)/;

/** TLS ends before us. */
const scheme = 'http';

const methods: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
]);

/**
 * Measures a request from now to the end of its response, by the semantic conventions for HTTP servers.
 * @param path of the request, without the query, which may carry what nobody should read in a trace.
 */
export function traceRequest(
  telemetry: Telemetry,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): TracedRequest {
  const { method = '' } = request;
  const traceparent = oneHeader(request, 'traceparent');
  if (telemetry === noTelemetry || untraced.test(path)) return { traceparent };
  const known = methods.has(method) ? method : '_OTHER';
  const label = known === '_OTHER' ? 'HTTP' : known;
  const span = telemetry.span(label, {
    kind: 'server',
    traceparent,
    tracestate: oneHeader(request, 'tracestate'),
    attributes: {
      'http.request.method': known,
      ...(known === '_OTHER' && { 'http.request.method_original': method }),
      'url.path': path,
      'url.scheme': scheme,
    },
  });
  const began = monotonicMs();
  return {
    traceparent: span.traceparent ?? traceparent,
    end: () => end(telemetry, span, { began, method: known, label, response, path }),
  };
}

interface Ended {
  readonly began: number;
  readonly method: string;
  /** How the name of the span begins. */
  readonly label: string;
  readonly response: ServerResponse;
  readonly path: string;
}

function end(telemetry: Telemetry, span: TelemetrySpan, ended: Ended): void {
  const { began, method, label, response, path } = ended;
  const { statusCode: status, headersSent, writableFinished: whole } = response;
  // Before its answer begins a response has a status that nobody sent.
  const sent = headersSent ? { 'http.response.status_code': status } : {};
  const route = routeOf(path);
  const named = route === undefined ? {} : { 'http.route': route };
  // A watch lasts as long as its reader likes: that is no duration of ours.
  const streams = String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
  // The caller went away before the end of the response, or we could not do what it asked for.
  const failure = !whole && !streams ? 'aborted' : status >= 500 ? String(status) : undefined;
  const failed = failure === undefined ? {} : { 'error.type': failure };
  if (!streams) {
    telemetry.record('http.server.request.duration', (monotonicMs() - began) / 1_000, {
      'http.request.method': method,
      'url.scheme': scheme,
      ...sent,
      ...named,
      ...failed,
    });
  }
  span.set({ ...sent, ...named, ...failed });
  if (route !== undefined) span.rename(`${label} ${route}`);
  if (failure !== undefined) span.fail();
  span.end();
}

/** The pattern of a path of the host itself: few of them, so that they may label metrics. */
function routeOf(path: string): string | undefined {
  if (path.startsWith('/functions/')) return '/functions/{name}';
  return path === '/' || path === '/broker' ? path : undefined;
}

function oneHeader(request: IncomingMessage, name: string): string | undefined {
  // More than one traceparent is none (W3C Trace Context §3.2); Node joins them with ", ", which no parser takes.
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
