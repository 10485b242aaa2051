/**
 * How Node is run to be small under load: a young generation that does not grow, one heap of the C library for all threads, and
 * what is large, such as V8's compilers are done with, given back to the system.
 */
export const lean = {
  args: ['--max-semi-space-size=1'],
  env: { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '16384' },
} as const;
