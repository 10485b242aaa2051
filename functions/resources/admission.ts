import { z } from 'zod';
import { documentSchema, resourceSchema } from '../../knative/crd.ts';
import {
  kinds,
  type AnyResource,
  type Kind,
  type KindInfo,
} from '../../knative/resources/kinds.ts';
import { metadataInput } from '../../knative/resources/meta.ts';
import { CloverError, type ErrorDetail } from '../lib/errors.ts';
import { show } from './field-errors.ts';
import { lint } from './lint.ts';
import { judgeDocument } from './schema/judge-document.ts';
import { ruleErrors } from './schema/rule-errors.ts';
import { schemaErrors } from './schema/schema-errors.ts';

const admitted = z.looseObject({ metadata: metadataInput, spec: z.unknown() });

/** What a document asks for, with every default filled in. */
export type Admitted = z.output<typeof admitted>;

// A guard, for a copy by a schema would lose a key such as `__proto__` unseen.
const isAdmitted = (value: unknown): value is Admitted => admitted.safeParse(value).success;

/** How a kind is spelled and checked. */
export function kindInfo(kind: Kind): KindInfo {
  const info = kinds.find((candidate) => candidate.kind === kind);
  if (info === undefined) throw new CloverError('CLV_INTERNAL', `kind ${kind} has no entry`);
  return info;
}

/**
 * Checks a whole document as an API server does, and adds lint, as an admission webhook would.
 * @throws CloverError CLV_RESOURCE_INVALID with every problem that was found.
 */
export function admitDocument(kind: Kind, document: unknown): Admitted {
  const { whole, misfits, broken } = judgeDocument(kind, document);
  refuse(kind, nameOf(document), misfits);
  if (!isAdmitted(whole)) throw new CloverError('CLV_INTERNAL', `${kind}: fits no admitted form`);
  const linted = lint(kind, whole.spec);
  const unsaid = broken.filter(({ rule }) => !linted.some(({ refines }) => refines === rule?.rule));
  refuse(kind, whole.metadata.name, [...unsaid, ...linted].map(plain));
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
  refuse(kind, metadata.name, ruleErrors(documentSchema(kind), { spec }, old).map(plain));
}

/**
 * Checks a status, as it would be stored, by the schema of its kind.
 * @throws CloverError CLV_RESOURCE_INVALID with every problem that was found.
 */
export function admitStatus({ kind, metadata, status }: AnyResource): void {
  const schema = resourceSchema(kind).properties?.['status'];
  if (schema === undefined) throw new CloverError('CLV_INTERNAL', `${kind} has no status`);
  const stored: unknown = JSON.parse(JSON.stringify(status));
  refuse(kind, metadata.name, schemaErrors(schema, stored, ['status']));
}

const plain = ({ field, message }: ErrorDetail): ErrorDetail => ({ field, message });

function refuse(kind: Kind, name: string, details: readonly ErrorDetail[]): void {
  if (details.length === 0) return;
  const [first] = details;
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  throw new CloverError(
    'CLV_RESOURCE_INVALID',
    `${kind} ${name} is invalid: ${first?.field ?? ''}: ${first?.message ?? ''}${more}`,
    { details },
  );
}

const named = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });

function nameOf(document: unknown): string {
  const parsed = named.safeParse(document);
  return parsed.success ? show(parsed.data.metadata.name) : '(without a name)';
}
