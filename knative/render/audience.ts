/**
 * Whom tokens for a function are for, in the form that Eventing gives to its own: `<group>/<kind>/<namespace>/<name>` in lower case
 * (eventing, pkg/auth/audience.go). Serving gives its Services none.
 */
export function audienceOf(namespace: string, name: string): string {
  return `serving.knative.dev/service/${namespace}/${name}`;
}
