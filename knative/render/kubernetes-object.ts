import type { Installation } from './installation.ts';

/** What every object has that an API server takes. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
}

/** Name and marks of a rendered object. */
export interface ObjectMetadata {
  readonly name: string;
  /** Absent for kinds that are not in a namespace. */
  readonly namespace?: string;
  readonly labels: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/** An object of a kind whose type says nothing sure about metadata. */
export type Rendered<Model> = Model & KubernetesObject;

/** What an object is for, within Clover. */
export type Component =
  | 'access'
  | 'agent'
  | 'event'
  | 'function'
  | 'ingress'
  | 'installation'
  | 'resource';

/** What labels say of everything. */
type Whole = Pick<Installation, 'namespace' | 'version'>;

/**
 * The labels that Kubernetes recommends: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
 * @param name the function that the object belongs to; `clover` if it belongs to all of them.
 */
export function commonLabels(
  { namespace, version }: Whole,
  component: Component,
  name = 'clover',
): Record<string, string> {
  return {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': namespace,
    'app.kubernetes.io/version': version,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/part-of': 'clover',
  };
}

/** What tells the pods of a program from all others of an installation. */
export function selectorOf({ namespace }: Whole, name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': namespace };
}

/** Metadata of an object in the installation's namespace. */
export function namespaced(
  installation: Whole,
  component: Component,
  name: string,
  owner?: string,
): ObjectMetadata {
  const { namespace } = installation;
  return { name, namespace, labels: commonLabels(installation, component, owner) };
}
