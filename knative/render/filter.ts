import type { ISubscriptionsAPIFilter } from '@kubernetes-models/knative/eventing.knative.dev/v1/SubscriptionsAPIFilter';
import type { TriggerFilter } from '../filters.ts';

/** A filter of the catalogue as Knative writes it: the same dialects, in the order of their names there. */
export function knativeFilter(filter: TriggerFilter): ISubscriptionsAPIFilter {
  const { exact, prefix, suffix, all, any, not, cesql } = filter;
  return {
    ...(exact !== undefined && { exact: { ...exact } }),
    ...(prefix !== undefined && { prefix: { ...prefix } }),
    ...(suffix !== undefined && { suffix: { ...suffix } }),
    ...(all !== undefined && { all: all.map(knativeFilter) }),
    ...(any !== undefined && { any: any.map(knativeFilter) }),
    ...(not !== undefined && { not: knativeFilter(not) }),
    ...(cesql !== undefined && { cesql }),
  };
}

/** Lets events of these types pass, and no others. */
export function ofTypes(types: readonly string[]): ISubscriptionsAPIFilter {
  return { any: types.map((type) => ({ exact: { type } })) };
}
