import fc from 'fast-check';

import { packetsOf, pcapFile, readFileInChunks, toldBy } from './capture-file.ts';
import { exchange, segmentsOf } from './conversation.ts';
import type { TcpSegment } from './frames.ts';

/** What is said in the files of the tests. */
export const exchanges = fc.sample(exchange, { numRuns: 4, seed: 3 });

/** The same in segments of this many bytes, a millisecond apart. */
export const segmentsCut = (bytes: number): TcpSegment[] =>
  segmentsOf([exchanges], { clientIsn: 5, serverIsn: 6, cuts: [bytes], stepNs: 1_000_000n });

/** The one that most tests wrap, cut and mix. */
export const segments: readonly TcpSegment[] = segmentsCut(700);

/** What a plain file of it tells. */
export const wanted = toldBy(readFileInChunks(pcapFile(packetsOf(segments))));

/** A number of two bytes, in network order. */
export const be16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
