import { z } from 'zod';
import { tapSpec, type TapSpec } from '../knative/resources/tap.ts';

/** What the agent needs of a Tap. */
export interface KnownTap {
  readonly namespace: string;
  readonly name: string;
  readonly spec: TapSpec;
}

/** The Taps that there are, kept up to date by itself. */
export interface TapList {
  /** The last that are known, the same object as long as none has changed; undefined before the first. */
  taps(): readonly KnownTap[] | undefined;
  /** Questions without a good answer, and objects that could not be read, cumulative. */
  readonly failed: number;
  /** Resolves when nothing is on its way any more. */
  stop(): Promise<void>;
}

/** Opens a list. `onChange` is called after each change, and may be at any other time. */
export type OpenTapList = (onChange: () => void) => TapList;

const tapObject = z
  .object({
    metadata: z.object({ namespace: z.string(), name: z.string() }),
    spec: tapSpec,
  })
  .transform(({ metadata: { namespace, name }, spec }): KnownTap => ({ namespace, name, spec }));

/**
 * A Tap as an API tells it.
 * @throws z.ZodError when it is none.
 */
export function readTap(object: unknown): KnownTap {
  return tapObject.parse(object);
}
