import type { IDestination } from '@kubernetes-models/knative/duck.knative.dev/v1/Destination';
import { audienceOf } from './audience.ts';
import type { Installation } from './installation.ts';

/**
 * A function's Service as Eventing delivers to it. The audience is that of the token which Eventing shows while it says who it is
 * (`authentication-oidc`), and means nothing otherwise: it is always said, so that functions can begin to ask for it at any time.
 * @param uri where the function takes it. Default: `/`.
 */
export function destinationOf(
  { namespace }: Pick<Installation, 'namespace'>,
  name: string,
  uri?: string,
) {
  return {
    ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name },
    ...(uri !== undefined && { uri }),
    audience: audienceOf(namespace, name),
  } satisfies IDestination;
}
