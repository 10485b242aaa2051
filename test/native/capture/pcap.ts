/** One frame of a recording. */
export interface RecordedFrame {
  /** Unix nanoseconds. */
  readonly timeNs: bigint;
  readonly frame: Buffer;
}

const ethernet = 1;

/**
 * Frames of a classic pcap file (microseconds or nanoseconds, either byte order, Ethernet).
 *
 * @throws RangeError for any other file.
 */
export function readPcap(file: Buffer): RecordedFrame[] {
  const little = file.readUInt8(0) !== 0xa1;
  const u32 = (at: number): number => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const unitNs = { 0xa1b2c3d4: 1_000n, 0xa1b23c4d: 1n }[u32(0)];
  if (unitNs === undefined || u32(20) !== ethernet) throw new RangeError('not a pcap of Ethernet');
  const frames: RecordedFrame[] = [];
  for (let at = 24; at < file.length;) {
    const captured = u32(at + 8);
    frames.push({
      timeNs: BigInt(u32(at)) * 1_000_000_000n + BigInt(u32(at + 4)) * unitNs,
      frame: file.subarray(at + 16, at + 16 + captured),
    });
    at += 16 + captured;
  }
  return frames;
}
