import test from 'ava';
import { specHash } from '../../../functions/ingress/spec-hash.ts';
import { ingressOf } from './examples.ts';

// Made with ComputeHash of knative.dev/networking v0.0.0-20260529061306-c8de379770b9.
test("the hash is the one that Knative's own controllers compute", (t) => {
  const hello = {
    httpOption: 'Enabled',
    rules: [
      {
        hosts: ['hello.default.svc.cluster.local', 'hello.default.svc', 'hello.default'],
        visibility: 'ClusterLocal',
        http: {
          paths: [
            {
              splits: [
                {
                  serviceNamespace: 'default',
                  serviceName: 'hello-00001',
                  servicePort: 80,
                  percent: 80,
                  appendHeaders: {
                    'Knative-Serving-Revision': 'hello-00001',
                    'Knative-Serving-Namespace': 'default',
                  },
                },
                {
                  serviceNamespace: 'default',
                  serviceName: 'hello-00002',
                  servicePort: 80,
                  percent: 20,
                },
              ],
            },
          ],
        },
      },
      {
        hosts: ['hello.default.example.test'],
        visibility: 'ExternalIP',
        http: {
          paths: [
            {
              headers: { 'Knative-Serving-Tag': { exact: 'canary' } },
              splits: [
                {
                  serviceNamespace: 'default',
                  serviceName: 'hello-00002',
                  servicePort: 'http2',
                },
              ],
              appendHeaders: { b: '2', a: '1', Z: '<&>\u2028\b\u0001é"\\' },
            },
          ],
        },
      },
    ],
  };
  t.is(
    specHash(ingressOf('hello', hello, { namespace: 'default' })),
    'e61e52c1909e0855bde4985620ce54f771ab39f238779c11f90304f16c917c66',
  );
  const sparse = {
    tls: [{ hosts: ['x.y'], secretName: 's', secretNamespace: 'a' }],
    rules: [
      {
        http: {
          paths: [
            {
              path: '/foo',
              rewriteHost: 'r.h',
              splits: [
                { serviceNamespace: 'a', serviceName: 'c', servicePort: 8080, percent: 100 },
              ],
            },
            {},
          ],
        },
      },
      {},
    ],
  };
  t.is(
    specHash(ingressOf('b', sparse, { namespace: 'a' })),
    'bd6a0e1a0076976cbcb66d330f416ef4cab6eef59835177628b4775ea95a3df6',
  );
  t.is(
    specHash(ingressOf('empty', {}, { namespace: 'a' })),
    'f600f06eba9162ec92eb42076e79bdbc0907adbd81d9638e15142fbd6d648491',
  );
});
