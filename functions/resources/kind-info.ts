import { kinds, type Kind, type KindInfo } from '../../knative/resources/kinds.ts';
import { CloverError } from '../lib/errors.ts';

/** How a kind is spelled. */
export function kindInfo(kind: Kind): KindInfo {
  const info = kinds.find((candidate) => candidate.kind === kind);
  if (info === undefined) throw new CloverError('CLV_INTERNAL', `kind ${kind} has no entry`);
  return info;
}
