// Needs the oracle, which `npm run test:conformance:crd` builds with Go.
module.exports = {
  extensions: ['ts'],
  files: ['test/conformance/crd/*.test.ts'],
  timeout: '10m',
  workerThreads: false,
  concurrency: 1,
};
