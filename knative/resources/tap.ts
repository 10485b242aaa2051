import { z } from 'zod';
import type { Condition, Resource } from './meta.ts';

/** Schema of `Tap.spec`. */
export const tapSpec = z.strictObject({
  /** Pods to trace, by label equality; empty selects every pod of the namespace. */
  selector: z
    .strictObject({ matchLabels: z.record(z.string(), z.string()).default({}) })
    .default({ matchLabels: {} }),
  /**
   * TCP ports of servers to trace; absent means every port. A node traces the ports of all Taps
   * that select one of its pods, on each of these pods.
   */
  ports: z.array(z.int().min(1).max(65_535)).min(1).max(64).optional(),
});

/** What agents trace. */
export type TapSpec = z.output<typeof tapSpec>;

/** The fact about a Tap. */
export interface TapStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

/** Selects the pods of its namespace, and their ports, that agents trace. */
export type Tap = Resource<'Tap', TapSpec, TapStatus>;
