import { z } from 'zod';
import { catalogue } from '../catalogue.ts';

const functionNames = catalogue.map(({ name }) => name);

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set */
const annotationKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/,
    'must be the name of an annotation, such as "iam.gke.io/gcp-service-account"',
  );

/** What may be said of accounts: by their names, the annotations that bind them to an identity of a cloud. */
export const accountAnnotations = z.partialRecord(
  z.enum([...functionNames, 'admission', 'agent', 'control-plane']),
  z.record(annotationKey, z.string()),
);

/** Which programs an installation has. */
interface Programs {
  readonly knative: boolean;
  readonly admission: { readonly enabled: boolean };
  readonly agent: { readonly enabled: boolean };
}

/** Names of the accounts that an installation has, but for those that no pod uses. */
export function accountsOf({ admission, agent, knative }: Programs): readonly string[] {
  return [
    ...(knative ? functionNames : ['control-plane']),
    ...(admission.enabled ? ['admission'] : []),
    ...(agent.enabled ? ['agent'] : []),
  ];
}
