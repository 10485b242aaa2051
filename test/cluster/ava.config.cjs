// A cluster of its own for each file, one after the other: they share the machine's processors.
module.exports = {
  extensions: ['ts'],
  environmentVariables: { CLOVER_LEAVE_OUT: 'nothing' },
  files: ['test/cluster/*.test.ts', 'test/faults/*.test.ts'],
  timeout: '10m',
  workerThreads: false,
  concurrency: 1,
};
