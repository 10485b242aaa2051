import { z } from 'zod';
import { kinds, type Kind } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { doubts } from '../lib/doubts.ts';
import { CloverError, type ErrorDetail } from '../lib/errors.ts';
import { fieldPath } from '../lib/field-path.ts';
import { detailText } from '../lib/problem-words.ts';
import { lint } from '../resources/lint.ts';
import { judgeDocument } from '../resources/schema/judge-document.ts';

const reviewVersion = 'admission.k8s.io/v1';

const object = z.looseObject({
  metadata: z.looseObject({ name: z.string().default('') }).default({ name: '' }),
  spec: z.unknown(),
});

/** `admission.k8s.io/v1` AdmissionReview, as far as it is read. */
const asked = z.looseObject({
  apiVersion: z.literal(reviewVersion),
  kind: z.literal('AdmissionReview'),
  request: z.looseObject({
    uid: z.string().min(1),
    kind: z.looseObject({ group: z.string(), version: z.string(), kind: z.string() }),
    operation: z.string(),
    object: object.nullish(),
    oldObject: object.nullish(),
  }),
});

/** What is answered: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response */
export interface AdmissionAnswer {
  readonly apiVersion: typeof reviewVersion;
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    /** kubectl prints them. */
    readonly warnings?: readonly string[];
    readonly status?: {
      readonly code: 422;
      readonly reason: 'Invalid';
      readonly message: string;
      readonly details: {
        readonly group: string;
        readonly kind: string;
        readonly name: string;
        readonly causes: readonly {
          readonly reason: 'FieldValueInvalid';
          readonly field: string;
          readonly message: string;
        }[];
      };
    };
  };
}

/**
 * Answers an API server that asks about an object, which fits its definition already: refused is what lint says of a spec
 * that is new, warned of is what is surely not meant.
 * @throws CloverError CLV_ARGUMENT_INVALID for what is no AdmissionReview.
 */
export function review(body: unknown): AdmissionAnswer {
  const parsed = asked.safeParse(body);
  if (!parsed.success) {
    const details = parsed.error.issues.map(({ path, message }) => ({
      field: fieldPath(path),
      message,
    }));
    throw new CloverError(
      'CLV_ARGUMENT_INVALID',
      `this is no AdmissionReview of ${reviewVersion}`,
      {
        details,
      },
    );
  }
  const { uid, kind, object: wanted, oldObject: old } = parsed.data.request;
  const known = knownKind(kind);
  const isSame = canonicalJson(wanted?.spec ?? null) === canonicalJson(old?.spec ?? null);
  // Labels, finalizers and deletions are nobody's business here, however the stored spec came to be.
  if (known === undefined || wanted === null || wanted === undefined || isSame) {
    return answer({ uid, allowed: true });
  }
  const { name } = wanted.metadata;
  const problem = unreadable(known, wanted);
  if (problem !== undefined) return answer({ uid, allowed: true, warnings: [problem] });
  const problems = lint(known, wanted.spec);
  if (problems.length === 0) {
    const warnings = doubts(known, wanted.spec).map(detailText);
    return answer({ uid, allowed: true, ...(warnings.length > 0 && { warnings }) });
  }
  return answer({ uid, allowed: false, status: refusal(kind.group, known, name, problems) });
}

const answer = (response: AdmissionAnswer['response']): AdmissionAnswer => ({
  apiVersion: reviewVersion,
  kind: 'AdmissionReview',
  response,
});

function knownKind({
  group,
  version,
  kind,
}: {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}): Kind | undefined {
  if (`${group}/${version}` !== apiVersion) return undefined;
  return kinds.find((info) => info.kind === kind && info.writable)?.kind;
}

/** While Clover is upgraded, the definitions may be newer than this process: then what they take is not refused here. */
function unreadable(kind: Kind, { spec }: z.output<typeof object>): string | undefined {
  const document = { apiVersion, kind, metadata: { name: 'any' }, spec };
  const [first] = judgeDocument(kind, document).misfits;
  if (first === undefined) return undefined;
  return `not checked by Clover's admission, which is of another version than the definition: ${detailText(first)}`;
}

function refusal(group: string, kind: Kind, name: string, problems: readonly ErrorDetail[]) {
  return {
    code: 422,
    reason: 'Invalid',
    message: problems.map(detailText).join('; '),
    details: {
      group,
      kind,
      name,
      causes: problems.map(({ field, message }) => ({
        reason: 'FieldValueInvalid' as const,
        field,
        message,
      })),
    },
  } as const;
}
