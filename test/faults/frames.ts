import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { eventTypes } from '../../knative/events.ts';

/** What an agent sent, kept as it went over the wire: of spans in base64. */
const frames = z.array(
  z.object({ headers: z.record(z.string(), z.string()), body: z.union([z.string(), z.json()]) }),
);

/** A request of an agent. */
export interface Frame {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What an agent sends. */
export interface Frames {
  readonly spans: readonly Frame[];
  readonly evidence: readonly Frame[];
}

const folder = new URL('frames/', import.meta.url);
const ending = '.json';

/** The versions whose frames were kept. */
export const keptVersions: readonly string[] = (await readdir(folder))
  .filter((file) => file.endsWith(ending))
  .map((file) => file.slice(0, -ending.length));

/** The frames of a version: three requests of one arm. Never changed once it is released. */
export async function framesOf(version: string): Promise<Frames> {
  const file = new URL(`${version}${ending}`, folder);
  const all = frames.parse(JSON.parse(await readFile(file, 'utf8')));
  const of = (type: string): Frame[] =>
    all
      .filter(({ headers }) => headers['ce-type'] === type)
      .map(({ headers, body }) => ({
        headers,
        body:
          typeof body === 'string'
            ? Buffer.from(body, 'base64')
            : Buffer.from(JSON.stringify(body)),
      }));
  return { spans: of(eventTypes.spans), evidence: of(eventTypes.evidence) };
}
