import { z } from 'zod';

/** The event attributes of one spooled batch; the first line of its file. */
export const spoolHeader = z.strictObject({
  /** CloudEvent source of the boot that made the batch. */
  source: z.string().min(1),
  /** Dense from 1 within the boot. */
  id: z.string().min(1),
  /** RFC 3339. */
  time: z.string().min(1),
  spans: z.int().min(0),
  watermarkMs: z.number().min(0),
  /** See `formatLoss`. */
  loss: z.string(),
  /** Length of the body: a file that a power cut shortened is found out. */
  bytes: z.int().min(0),
});

/** The event attributes of one spooled batch. */
export type SpoolHeader = z.output<typeof spoolHeader>;

/** What a spool file's name says: enough to keep order and counts without opening it. */
export interface SpoolName {
  /** Unix ms at which the boot started. */
  readonly startedMs: number;
  readonly boot: string;
  readonly sequence: number;
  readonly spans: number;
}

/** A name whose text order is the order of age: boots by their start, then batches by sequence. */
export function formatSpoolName(name: SpoolName): string {
  const started = String(name.startedMs).padStart(14, '0');
  return `${started}-${name.boot}-${String(name.sequence).padStart(10, '0')}-${name.spans}.spans`;
}

/** The parts of a spool file's name, or undefined for any other file. */
export function parseSpoolName(file: string): SpoolName | undefined {
  const parts = /^(\d{14})-([0-9a-f]{16})-(\d{10})-(\d+)\.spans$/.exec(file);
  if (parts === null) return undefined;
  const [, startedMs, boot = '', sequence, spans] = parts;
  return {
    startedMs: Number(startedMs),
    boot,
    sequence: Number(sequence),
    spans: Number(spans),
  };
}

/** The bytes of a spool file: one line of JSON, then the body as it will be sent. */
export function encodeSpoolFile(header: SpoolHeader, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]);
}

/** Header and body of a spool file, or undefined when the file is damaged. */
export function decodeSpoolFile(file: Buffer): { header: SpoolHeader; body: Buffer } | undefined {
  const end = file.indexOf(0x0a);
  if (end < 0) return undefined;
  const header = parseHeader(file.toString('utf8', 0, end));
  const body = file.subarray(end + 1);
  return header?.bytes === body.length ? { header, body } : undefined;
}

function parseHeader(line: string): SpoolHeader | undefined {
  try {
    return spoolHeader.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
