import type { AnyResource } from '../../knative/resources/kinds.ts';
import { isRecord } from '../lib/plain-value.ts';
import { anyResource } from '../resources/stored-resource.ts';

/**
 * The object that a dry run answers with. One that would be created has no version yet: here it is the empty text, which a
 * write takes as none.
 * @throws CloverError CLV_INTERNAL when it is none.
 */
export function plannedResource(value: unknown): AnyResource {
  if (!isRecord(value) || !isRecord(value['metadata'])) return anyResource(value);
  return anyResource({ ...value, metadata: { resourceVersion: '', ...value['metadata'] } });
}
