import test from 'ava';
import { telemetrySettings } from '../../../../functions/host/telemetry/settings.ts';
import { telemetryConfig } from '../../../../functions/host/telemetry/telemetry-config.ts';

const plain = telemetryConfig.parse({});

test('by default there are metrics to scrape, and nothing is sent', (t) => {
  t.like(telemetrySettings(plain, {}), { metrics: true, send: false, traces: false });
});

test('an endpoint in the file or the environment sends traces and metrics', (t) => {
  const file = telemetryConfig.parse({ endpoint: 'http://collector:4318', headers: { a: 'b c' } });
  const settings = telemetrySettings(file, {});
  t.like(settings, { send: true, traces: true });
  t.like(settings.variables, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=b%20c',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_SERVICE_NAME: 'clover',
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'otlp',
  });
  t.true(telemetrySettings(plain, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }).traces);
});

test('the environment goes before the file', (t) => {
  const file = telemetryConfig.parse({ endpoint: 'http://collector:4318', sampleRatio: 0.1 });
  const { variables } = telemetrySettings(file, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other:4318',
    OTEL_RESOURCE_ATTRIBUTES: 'a=b,service.name=mine',
    OTEL_TRACES_SAMPLER: 'always_off',
  });
  t.false('OTEL_EXPORTER_OTLP_ENDPOINT' in variables);
  t.false('OTEL_SERVICE_NAME' in variables);
  t.false('OTEL_TRACES_SAMPLER' in variables);
  t.like(telemetrySettings(file, {}).variables, {
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  });
});

test('one signal alone can be sent, and the SDK can be switched off', (t) => {
  const endpoint = 'http://collector:4318';
  t.like(
    telemetrySettings(plain, { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${endpoint}/v1/metrics` }),
    { send: true, traces: false },
  );
  t.like(
    telemetrySettings(plain, {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_TRACES_EXPORTER: 'none',
    }),
    { send: true, traces: false },
  );
  t.like(
    telemetrySettings(plain, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'TRUE' }),
    { send: false, traces: false },
  );
});

test('the Prometheus exporter of the SDK is not started: /metrics is there', (t) => {
  const settings = telemetrySettings(plain, { OTEL_METRICS_EXPORTER: 'prometheus' });
  t.like(settings, { metrics: true, send: false });
  t.is(settings.variables['OTEL_METRICS_EXPORTER'], 'none');
});
