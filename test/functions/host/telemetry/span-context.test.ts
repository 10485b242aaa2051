import test from 'ava';
import { childContext, traceFields } from '../../../../functions/host/telemetry/span-context.ts';
import { parseTraceparent, traceparentOf } from '../../../../functions/lib/trace-context.ts';

const [trace, span] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];

test('a log line of a trace has the ids by the names of OpenTelemetry', (t) => {
  t.deepEqual(traceFields(`00-${trace}-${span}-01`), {
    trace_id: trace,
    span_id: span,
    trace_flags: '01',
  });
});

test('what is not a traceparent gives no fields', (t) => {
  const bad = [
    undefined,
    '',
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}-01-more`,
    `00-${trace}-${span}-01, 00-${trace}-${span}-01`,
    `00-${trace}-${span}`,
  ];
  for (const text of bad) t.deepEqual(traceFields(text), {}, text);
});

test('a child keeps the trace and the decision to sample; without a parent a trace begins', (t) => {
  const child = childContext({ traceId: trace, spanId: span, flags: 0 });
  t.like(child, { traceId: trace, flags: 0 });
  t.not(child.spanId, span);
  t.like(parseTraceparent(traceparentOf(childContext(undefined))), { flags: 1 });
});
