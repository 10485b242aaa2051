// The originals of others: fetched from the Go module proxy, so this needs the network and `go`.
module.exports = {
  extensions: ['ts'],
  files: ['test/conformance/cloudevents/originals/*.test.ts'],
  timeout: '5m',
  workerThreads: false,
  concurrency: 1,
};
