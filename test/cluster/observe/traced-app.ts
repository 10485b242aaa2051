import { ROOT_CONTEXT, propagation, SpanKind, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { z } from 'zod';

// `node traced-app.ts URL HEADERS BODY`: an application with nothing of Clover in it, traced by OpenTelemetry's SDK as its `OTEL_*`
// variables say. It sends one request as a part of a trace, and prints the status of the answer and the trace's id.
const [, , url = '', headerText = '{}', body = ''] = process.argv;
const sdk = new NodeSDK({ instrumentations: [] });
sdk.start();
const span = trace.getTracer('shop').startSpan('checkout', { kind: SpanKind.CLIENT });
const headers = z.record(z.string(), z.string()).parse(JSON.parse(headerText));
propagation.inject(trace.setSpan(ROOT_CONTEXT, span), headers);
const { status } = await fetch(url, { method: 'POST', headers, body });
span.end();
await sdk.shutdown();
const { traceId } = span.spanContext();
process.stdout.write(JSON.stringify({ status, traceId }));
