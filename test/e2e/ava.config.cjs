// The whole loop on real traffic, one test at a time: two would disturb each other's latencies.
module.exports = {
  extensions: ['ts'],
  files: ['test/e2e/*.test.ts'],
  timeout: '5m',
  workerThreads: false,
  concurrency: 1,
};
