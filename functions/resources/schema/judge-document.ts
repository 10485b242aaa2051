import { documentSchema } from '../../../knative/crd.ts';
import type { Kind } from '../../../knative/resources/kinds.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import { isRecord } from '../../lib/plain-value.ts';
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
  /** Rules that it breaks, in CEL or of metadata. None is looked at whose value has misfits, at any depth. */
  readonly broken: readonly (ErrorDetail & Partial<RuleError>)[];
}

/**
 * Judges a whole document as an API server does with fieldValidation=Strict when it creates the object: defaults,
 * then the schema, then the rules. All are those of the kind's CustomResourceDefinition.
 */
export function judgeDocument(kind: Kind, document: unknown): DocumentJudgement {
  const schema = documentSchema(kind);
  const whole = withDefaults(schema, document);
  const misfits = schemaErrors(schema, whole);
  return {
    whole,
    misfits,
    broken: [
      ...metadataProblems(isRecord(whole) ? whole['metadata'] : undefined),
      ...ruleErrors(schema, whole, undefined, { fits: misfits.length === 0 }),
    ],
  };
}
