// A cluster of its own for each file, one after the other: they share the machine's processors.
module.exports = {
  extensions: ['ts'],
  environmentVariables: { CLOVER_LEAVE_OUT: 'nothing' },
  files: [
    'test/cluster/*.test.ts',
    'test/faults/*.test.ts',
    // `npm test` runs these as well, and leaves out what needs a tier that is not built.
    'test/agent/kubernetes/agent.test.ts',
    'test/agent/kubernetes/collection.test.ts',
    'test/agent/otlp/receivers.test.ts',
    'test/cloverctl/doctor/cluster-findings.test.ts',
    'test/cloverctl/installation/install.test.ts',
    'test/cloverctl/installation/installation-status.test.ts',
    'test/cloverctl/installation/other-installations.test.ts',
    'test/cloverctl/installation/uninstall.test.ts',
    'test/functions/admission/admission-on-kubernetes.test.ts',
    'test/functions/api/kubernetes-guard-on-kubernetes.test.ts',
    'test/functions/evaluate/kept-runs-on-kubernetes.test.ts',
    'test/functions/host/cluster-resources.test.ts',
    'test/functions/ingress/controller.test.ts',
    'test/functions/ingress/main.test.ts',
    'test/functions/ingress/traffic.test.ts',
    'test/functions/mesh/istio/istio-target.test.ts',
    'test/functions/records/kubernetes-event-recorder.test.ts',
    'test/functions/resources/kubernetes/kubernetes-store.test.ts',
    'test/infra/baremetal/clickhouse.test.ts',
    'test/knative/crd-on-kubernetes.test.ts',
    'test/knative/render/access-on-kubernetes.test.ts',
    // What the agent does on a node, without a cluster.
    'test/agent/handover.test.ts',
    'test/agent/kubernetes/capabilities.test.ts',
    // The code of Knative's own API and webhooks.
    'test/conformance/knative/*.test.ts',
  ],
  timeout: '10m',
  workerThreads: false,
  concurrency: 1,
};
