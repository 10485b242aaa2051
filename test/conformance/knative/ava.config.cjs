// Needs Go, its module proxy, and the oracle that `npm run test:conformance:knative` builds.
module.exports = {
  extensions: ['ts'],
  files: ['test/conformance/knative/*.test.ts'],
  timeout: '10m',
  workerThreads: false,
  concurrency: 1,
};
