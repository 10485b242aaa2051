import { z } from 'zod';
import { documentSchema, resourceSchema } from '../../knative/crd.ts';
import type { AnyResource, Kind } from '../../knative/resources/kinds.ts';
import { metadataInput } from '../../knative/resources/meta-schemas.ts';
import { CloverError, type ErrorDetail } from '../lib/errors.ts';
import { isRecord } from '../lib/plain-value.ts';
import { detailText, show } from '../lib/problem-words.ts';
import { lint } from './lint.ts';
import { judgeDocument } from './schema/judge-document.ts';
import { ruleErrors } from './schema/rule-errors.ts';
import { schemaErrors } from './schema/schema-errors.ts';

const admitted = z.looseObject({ metadata: metadataInput, spec: z.unknown() });

/** What a document asks for, with every default filled in. */
export type Admitted = z.output<typeof admitted>;

// A guard, for a copy by a schema would lose a key such as `__proto__` unseen.
const isAdmitted = (value: unknown): value is Admitted => admitted.safeParse(value).success;

/**
 * Checks a whole document as an API server does, and adds lint, as an admission webhook would.
 * @param found Problems that the caller has found; they are told with the others.
 * @throws CloverError CLV_RESOURCE_INVALID with every problem. A rule is not looked at while something inside of what it
 *   is about does not fit the schema, and lint while anything of the document does not.
 */
export function admitDocument(
  kind: Kind,
  document: unknown,
  found: readonly ErrorDetail[] = [],
): Admitted {
  const { whole, misfits, broken } = judgeDocument(kind, document);
  const linted = misfits.length === 0 && isRecord(whole) ? lint(kind, whole['spec']) : [];
  const unsaid = broken.filter(({ rule }) => !linted.some(({ refines }) => refines === rule?.rule));
  refuse(kind, nameOf(document), [...found, ...misfits, ...[...unsaid, ...linted].map(plain)]);
  if (!isAdmitted(whole)) throw new CloverError('CLV_INTERNAL', `${kind}: fits no admitted form`);
  return whole;
}

/**
 * Checks an admitted document against what is stored: the rules that see the old object.
 * @param existing The object that it would replace.
 * @throws CloverError CLV_RESOURCE_INVALID.
 */
export function admitChange(
  kind: Kind,
  { metadata, spec }: Admitted,
  existing: AnyResource | undefined,
): void {
  if (existing === undefined) return;
  const old = { spec: existing.spec };
  refuse(kind, show(metadata.name), ruleErrors(documentSchema(kind), { spec }, old).map(plain));
}

/**
 * Checks a status, as it would be stored, by the schema of its kind.
 * @throws CloverError CLV_RESOURCE_INVALID with every problem that was found.
 */
export function admitStatus({ kind, metadata, status }: AnyResource): void {
  const schema = resourceSchema(kind).properties?.['status'];
  if (schema === undefined) throw new CloverError('CLV_INTERNAL', `${kind} has no status`);
  const stored: unknown = JSON.parse(JSON.stringify(status));
  refuse(kind, show(metadata.name), schemaErrors(schema, stored, ['status']));
}

const plain = ({ field, message }: ErrorDetail): ErrorDetail => ({ field, message });

function refuse(kind: Kind, name: string, details: readonly ErrorDetail[]): void {
  const [first] = details;
  if (first === undefined) return;
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  const text = `${kind} ${name} is invalid: ${detailText(first)}${more}`;
  throw new CloverError('CLV_RESOURCE_INVALID', text, { details });
}

const named = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });

function nameOf(document: unknown): string {
  const parsed = named.safeParse(document);
  return parsed.success ? show(parsed.data.metadata.name) : '(without a name)';
}
