export default { extensions: ['ts'], files: ['test/e2e/*.test.ts'], timeout: '5m', workerThreads: false, concurrency: 1 };
