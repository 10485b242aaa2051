import { kinds, type Kind } from '../../resources/kinds.ts';
import type { Account } from '../access.ts';
import { functionTable, reviews, type KindAccess, type Verb } from '../function-table.ts';
import type { Installation } from '../installation.ts';
import { controlPlane } from './names.ts';

/** It announces the changes of all kinds by itself. */
const announcing: readonly Verb[] = ['list', 'watch'];

/** All that the functions may do, of which each does its part in one process; what happened is kept in its own database. */
export function controlPlaneAccount({ controlPlane: { istio } }: Installation): Account {
  return {
    name: controlPlane,
    access: kinds.map(({ kind }) => accessOf(kind)),
    others: [...reviews, ...(istio ? functionTable.flatMap(({ onIstio = [] }) => onIstio) : [])],
  };
}

function accessOf(kind: Kind): KindAccess {
  const parts = functionTable.flatMap(({ access }) => access.filter((one) => one.kind === kind));
  const verbs = new Set([...announcing, ...parts.flatMap((part) => part.verbs)]);
  return {
    kind,
    verbs: [...verbs].sort(),
    ...(parts.some(({ status }) => status === true) && { status: true }),
  };
}
