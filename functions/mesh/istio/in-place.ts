import { canonicalJson } from '../../lib/canonical-json.ts';
import type { PolicyTraffic } from '../target.ts';
import { mark, type LiveObject } from './live-objects.ts';
import { destinationRule, envoyFilter, virtualService, type IstioKind } from './objects.ts';
import type { IstioObject, PolicyObjects } from './objects.ts';

/** What Clover has in place of one policy. */
export interface PolicyInPlace {
  readonly routes: LiveObject | undefined;
  readonly versions: LiveObject | undefined;
  readonly faults: readonly LiveObject[];
  /** Under names that Clover does not give. */
  readonly others: readonly LiveObject[];
}

/** A policy's own objects among all. */
export function inPlaceOf(objects: readonly LiveObject[], key: string): PolicyInPlace {
  const own = objects.filter(({ policy }) => policy === key);
  const name = key.slice(key.indexOf('/') + 1);
  const named = (kind: IstioKind): LiveObject | undefined =>
    own.find((object) => object.kind.kind === kind.kind && object.name === name);
  const routes = named(virtualService);
  const versions = named(destinationRule);
  const faults = own.filter(({ kind }) => kind.kind === envoyFilter.kind);
  const known = new Set<LiveObject | undefined>([routes, versions, ...faults]);
  return { routes, versions, faults, others: own.filter((object) => !known.has(object)) };
}

/** Whether an object has the rendered spec, to the byte. */
export function isAs(live: LiveObject | undefined, { spec }: IstioObject): live is LiveObject {
  return live !== undefined && canonicalJson(live.spec) === canonicalJson(spec);
}

/** Whether the routes are the rendered ones, and say that they were made from what there is now. */
export function areRoutesCurrent(
  routes: LiveObject | undefined,
  wanted: IstioObject,
  policy: PolicyTraffic,
): boolean {
  return (
    routes !== undefined &&
    isAs(routes, wanted) &&
    routes.annotations[mark.basis] === policy.basis &&
    routes.annotations[mark.released] === releasedText(policy) &&
    canonicalJson(routes.owners) === canonicalJson([policy.uid])
  );
}

/** Whether all that is rendered is in place, and nothing else is. */
export function isPolicyInPlace(
  { routes, versions, faults, others }: PolicyInPlace,
  wanted: PolicyObjects,
  policy: PolicyTraffic,
): boolean {
  return (
    areRoutesCurrent(routes, wanted.virtualService, policy) &&
    isAs(versions, wanted.destinationRule) &&
    others.length === 0 &&
    faults.length === wanted.faults.length &&
    wanted.faults.every((fault) => isAs(sameName(faults, fault), fault))
  );
}

/** The one of these with the name of the rendered one. */
export function sameName(
  objects: readonly LiveObject[],
  { name }: IstioObject,
): LiveObject | undefined {
  return objects.find((object) => object.name === name);
}

/** Uids of released runs as the routes carry them. */
export function releasedText({ released }: PolicyTraffic): string {
  return released.join(',');
}

/** The inverse of {@link releasedText}. */
export function releasedOf({ annotations }: LiveObject): string[] {
  return (annotations[mark.released] ?? '').split(',').filter((uid) => uid !== '');
}
