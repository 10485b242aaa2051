import { stringify } from 'yaml';
import type { KubernetesObject } from './kubernetes-object.ts';

const options = { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true } as const;

/** Objects as a stream of YAML documents, for `kubectl apply -f -`; keys stand in the order of the objects. */
export function toYaml(objects: readonly KubernetesObject[]): string {
  return objects.map((object) => `---\n${stringify(object, options)}`).join('');
}
