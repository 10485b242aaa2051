import { customResourceDefinition, type CustomResourceDefinition } from '../crd.ts';
import { kinds } from '../resources/kinds.ts';
import type { Installation } from './installation.ts';
import { commonLabels, type Rendered } from './kubernetes-object.ts';

/** The definitions of all kinds: those of `infra/crds`, marked as a part of an installation. */
export function customResourceDefinitions(
  installation: Installation,
): Rendered<CustomResourceDefinition>[] {
  const labels = commonLabels(installation, 'resource');
  return kinds.map(({ kind }) => {
    const { apiVersion, kind: definition, metadata, spec } = customResourceDefinition(kind);
    return { apiVersion, kind: definition, metadata: { name: metadata.name, labels }, spec };
  });
}
