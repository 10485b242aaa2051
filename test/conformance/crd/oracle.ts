import { z } from 'zod';
import { customResourceDefinition } from '../../../knative/crd.ts';
import { kinds } from '../../../knative/resources/kinds.ts';
import { startProgram } from '../line-program.ts';

const answer = z.object({
  accepted: z.boolean(),
  /** As the API server words them: `spec.variant: Invalid value: …`. */
  errors: z
    .array(z.string())
    .nullable()
    .transform((list) => list ?? []),
  /** The object with its defaults. */
  object: z.looseObject({ spec: z.unknown().optional() }).optional(),
});

/** What the oracle says. */
export type Answer = z.output<typeof answer>;

/** The code of an API server, in a process of its own. */
export interface Oracle {
  /** What it said to each definition, by the name that it was given under. */
  readonly definitions: ReadonlyMap<string, Answer>;
  /** Creates an object, or puts it in the place of an old one. */
  readonly ask: (object: unknown, old?: unknown) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

/** Where `npm run test:conformance:crd` builds the program. */
const program = new URL('../../../.cache/conformance-crd', import.meta.url).pathname;

const ours: ReadonlyMap<string, object> = new Map(
  kinds.map(({ kind }) => [kind, customResourceDefinition(kind)]),
);

/**
 * Starts the oracle with definitions, of which no two have the same kind.
 * @param crds by any name; default: those of all kinds of ours, by kind.
 */
export async function startOracle(crds: ReadonlyMap<string, object> = ours): Promise<Oracle> {
  const { ask, close } = startProgram(program);
  const send = async (question: object): Promise<Answer> => answer.parse(await ask(question));
  const definitions = new Map<string, Answer>();
  for (const [name, crd] of crds) definitions.set(name, await send({ crd }));
  return {
    definitions,
    ask: async (object, old) => send({ object, old }),
    close,
  };
}
