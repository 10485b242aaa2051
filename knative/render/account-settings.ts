import { z } from 'zod';
import { catalogue } from '../catalogue.ts';
import { labelKey } from './installation-values.ts';

const functionNames = catalogue.map(({ name }) => name);

/** What may be said of accounts: by their names, the annotations that bind them to an identity of a cloud. */
export const accountAnnotations = z.partialRecord(
  z.enum([...functionNames, 'admission', 'agent', 'control-plane']),
  z.record(labelKey, z.string()),
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
