import { z } from 'zod';
import { CloverError } from '../../lib/errors.ts';

const json = z.json();

/** A value of JSON. */
export type Json = z.output<typeof json>;

const envoyResources = z.strictObject({
  clusters: z.array(json),
  listeners: z.array(json),
  routes: z.record(z.string(), json),
});

/** Envoy v3 resources of one snapshot, without a version: its canonical JSON is what revisions keep. */
export interface EnvoyResources {
  /** `Cluster`s by name. */
  readonly clusters: readonly Json[];
  /** `Listener`s by port. */
  readonly listeners: readonly Json[];
  /** Port → its `RouteConfiguration`. */
  readonly routes: Readonly<Record<string, Json>>;
}

/** Resources from their canonical JSON. @throws CloverError CLV_INTERNAL when it is not such JSON. */
export function parseEnvoyResources(text: string): EnvoyResources {
  try {
    return envoyResources.parse(JSON.parse(text));
  } catch (cause) {
    throw new CloverError('CLV_INTERNAL', 'a stored snapshot cannot be read', { cause });
  }
}

const named = z.looseObject({ name: z.string() });

/** The `name` of a resource; undefined where it is not one of Clover's. */
export function resourceName(resource: Json): string | undefined {
  return named.safeParse(resource).data?.name;
}
