import { z } from 'zod';
import type { Json } from '../envoy/resources.ts';
import type { IstioObject } from './objects.ts';

const named = z.looseObject({ name: z.string() });
const patched = z.looseObject({ patch: z.looseObject({ value: named }) });

/** The part of a kind's spec that routes need one by one. */
interface Parts {
  readonly field: string;
  readonly nameOf: (part: Json) => string | undefined;
}

const partsOf: Readonly<Partial<Record<string, Parts>>> = {
  DestinationRule: { field: 'subsets', nameOf: (part) => named.safeParse(part).data?.name },
  EnvoyFilter: {
    field: 'configPatches',
    nameOf: (part) => patched.safeParse(part).data?.patch.value.name,
  },
};

/**
 * The object with those parts of the present one that it does not have itself: a subset or a fault stays until no proxy can have
 * the routes that need it.
 */
export function withLeaving(wanted: IstioObject, present: IstioObject['spec']): IstioObject {
  const parts = partsOf[wanted.kind.kind];
  if (parts === undefined) return wanted;
  const { field, nameOf } = parts;
  const list = (spec: IstioObject['spec']): readonly Json[] =>
    z.array(z.json()).catch([]).parse(spec[field]);
  const own = list(wanted.spec);
  const names = new Set(own.map(nameOf));
  const leaving = list(present).filter((part) => {
    const name = nameOf(part);
    return name !== undefined && !names.has(name);
  });
  // First: what makes an end of a proxy's faults is the last of them.
  return { ...wanted, spec: { ...wanted.spec, [field]: [...leaving, ...own] } };
}
