import test from 'ava';
import { trafficFamilies } from '../../agent/traffic-metrics.ts';
import { prometheusText } from '../../functions/lib/metrics/prometheus-text.ts';
import type { RequestMetrics } from '../../native/capture/types.ts';
import { makeBed } from './helpers/test-agent.ts';

const metrics: RequestMetrics = {
  boundsSeconds: { 'http.server.request.duration': [0.005, 0.01], 'dns.lookup.duration': [1] },
  sides: [
    {
      namespace: 'shop',
      service: 'cart',
      version: 'v2',
      server: true,
      started: 6,
      open: 1,
      lost: { hole: 2 },
      series: [
        {
          metric: 'http.server.request.duration',
          attributes: { 'http.request.method': 'GET', 'http.response.status_code': '200' },
          sumSeconds: 0.25,
          buckets: [1, 0, 2],
        },
      ],
    },
  ],
};

const body = `# HELP http_server_request_duration_seconds Durations of all requests that ended, before any sampling, by the conventions of OpenTelemetry.
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{k8s_namespace_name="shop",service_name="cart",service_version="v2",http_request_method="GET",http_response_status_code="200",le="0.005"} 1
http_server_request_duration_seconds_bucket{k8s_namespace_name="shop",service_name="cart",service_version="v2",http_request_method="GET",http_response_status_code="200",le="0.01"} 1
http_server_request_duration_seconds_bucket{k8s_namespace_name="shop",service_name="cart",service_version="v2",http_request_method="GET",http_response_status_code="200",le="+Inf"} 3
http_server_request_duration_seconds_sum{k8s_namespace_name="shop",service_name="cart",service_version="v2",http_request_method="GET",http_response_status_code="200"} 0.25
http_server_request_duration_seconds_count{k8s_namespace_name="shop",service_name="cart",service_version="v2",http_request_method="GET",http_response_status_code="200"} 3
`;

test('every request is in a histogram, open, or lost by cause', (t) => {
  const text = prometheusText(trafficFamilies(metrics));
  t.true(text.startsWith(body), text);
  const labels = 'k8s_namespace_name="shop",service_name="cart",service_version="v2"';
  const of = `{${labels},clover_role="server"`;
  t.true(text.includes(`clover_requests_started_total${of}} 6\n`));
  t.true(text.includes(`clover_requests_open${of}} 1\n`));
  t.true(text.includes(`clover_requests_lost_total${of},cause="hole"} 2\n`));
  t.false(text.includes('dns_lookup'), 'what has no series is absent');
});

test('the agent serves them to a Prometheus', async (t) => {
  const bed = await makeBed(t);
  const { agent, capture } = await bed.start();
  capture.setMetrics(metrics);
  const answer = await fetch(`http://127.0.0.1:${agent.port}/metrics`);
  t.is(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  t.true((await answer.text()).startsWith(body));
});
