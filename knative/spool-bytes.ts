/** Bytes of what may wait on a disk to be sent: from below, a few batches; from above, what no disk has. */
export const spoolBytes = { least: 64 * 2 ** 10, most: 2 ** 50 } as const;
