import test from 'ava';
import {
  noTelemetry,
  type SpanStart,
  type Telemetry,
} from '../../../../functions/host/telemetry.ts';
import { createInvocationTracer } from '../../../../functions/host/telemetry/trace-invocation.ts';
import { eventOf } from '../helpers.ts';

const ofHop = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const ofEvent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('the trace is the request’s, or the event’s where the request has none that is valid', (t) => {
  const starts: SpanStart[] = [];
  const telemetry: Telemetry = {
    ...noTelemetry,
    span: (name, start) => {
      starts.push(start);
      return noTelemetry.span(name, start);
    },
  };
  const tracer = createInvocationTracer(telemetry);
  const event = eventOf({ extensions: { traceparent: ofEvent, tracestate: 'a=event' } });
  for (const traceparent of [ofHop, undefined, 'nonsense', `${ofHop}, ${ofHop}`]) {
    tracer.begin({ function: 'f', trigger: 'http', event, traceparent, tracestate: 'a=hop' }).end();
  }
  t.deepEqual(
    starts.map(({ traceparent, tracestate }) => [traceparent, tracestate]),
    [
      [ofHop, 'a=hop'],
      [ofEvent, 'a=event'],
      [ofEvent, 'a=event'],
      [ofEvent, 'a=event'],
    ],
  );
});
