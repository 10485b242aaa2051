import test from 'ava';
import { z } from 'zod';
import { injectionFiles } from './injection.ts';

const values = `
_internal_defaults_do_not_set:
  revision: ''
  hub: example.test
  cni: { enabled: false }
  env: {}
  gateways: { securityContext: {} }
  sidecarInjectorWebhook: { rewriteAppHTTPProbe: true }
  global:
    pilotCertProvider: istiod
    nativeNftables: false
    proxy: { image: proxyv2, statusPort: 15020, resources: { limits: { cpu: 2000m } } }
    proxy_init: { image: proxyv2, forceApplyIptables: false }
`;
const texts = { sidecar: '{{ .Sidecar }}', gateway: '{{ .Gateway }}', values };

test("a proxy's image and what it asks for are ours, and the rest is the chart's", (t) => {
  const files = injectionFiles(texts, 'dev.local/proxy:1');
  t.deepEqual(JSON.parse(files.values), {
    revision: '',
    gateways: { securityContext: {} },
    sidecarInjectorWebhook: { rewriteAppHTTPProbe: true },
    pilot: { cni: { enabled: false }, env: {} },
    global: {
      pilotCertProvider: 'istiod',
      nativeNftables: true,
      proxy: {
        image: 'dev.local/proxy:1',
        statusPort: 15_020,
        readinessPeriodSeconds: 1,
        resources: { requests: { cpu: '5m', memory: '32Mi' } },
      },
      proxy_init: { image: 'dev.local/proxy:1', forceApplyIptables: false },
    },
  });
});

test('templates go to istiod as the chart has them', (t) => {
  t.like(JSON.parse(injectionFiles(texts, 'dev.local/proxy:1').config), {
    defaultTemplates: ['sidecar'],
    templates: { sidecar: '{{ .Sidecar }}', 'kube-gateway': '{{ .Gateway }}' },
  });
});

test('values of another shape are refused by the name of what is missing', (t) => {
  const other = { ...texts, values: values.replace('  cni:', '  other:') };
  t.throws(() => injectionFiles(other, 'dev.local/proxy:1'), {
    instanceOf: z.ZodError,
    message: /"_internal_defaults_do_not_set",\s+"cni"/,
  });
});
