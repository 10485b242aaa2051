import { z } from 'zod';
import { documentSchema } from '../../../knative/crd.ts';
import type { Kind } from '../../../knative/resources/kinds.ts';
import { metadataInput } from '../../../knative/resources/meta.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import { withDefaults } from './defaults.ts';
import { metadataProblems } from './metadata-problems.ts';
import { ruleErrors, type RuleError } from './rule-errors.ts';
import { schemaErrors } from './schema-errors.ts';

/** What an API server would say to a document. */
export interface DocumentJudgement {
  /** The document with its defaults. */
  readonly whole: unknown;
  /** What its schema does not take. */
  readonly misfits: readonly ErrorDetail[];
  /** Rules that it breaks, in CEL or of metadata. None are looked at where there are misfits. */
  readonly broken: readonly (ErrorDetail & Partial<RuleError>)[];
}

const named = z.looseObject({ metadata: metadataInput });

// A guard, for a copy by a schema would lose a key such as `__proto__` unseen.
const isNamed = (value: unknown): value is z.output<typeof named> => named.safeParse(value).success;

/**
 * Judges a whole document as an API server does with fieldValidation=Strict when it creates the object: defaults,
 * then the schema, then the rules. All are those of the kind's CustomResourceDefinition.
 */
export function judgeDocument(kind: Kind, document: unknown): DocumentJudgement {
  const schema = documentSchema(kind);
  const whole = withDefaults(schema, document);
  const misfits = schemaErrors(schema, whole);
  if (misfits.length > 0) return { whole, misfits, broken: [] };
  const ofMetadata = isNamed(whole) ? metadataProblems(whole.metadata) : [];
  return { whole, misfits, broken: [...ofMetadata, ...ruleErrors(schema, whole, undefined)] };
}
