/**
 * Whom tokens for a function are for, in the form that Eventing gives to its own: `<group>/<kind>/<namespace>/<name>` in lower case
 * (eventing, pkg/auth/audience.go). Serving gives its Services none.
 */
export function audienceOf(namespace: string, name: string): string {
  return `serving.knative.dev/service/${namespace}/${name}`;
}

/**
 * An hour: the kubelet writes another token 12 minutes before the end, may be two minutes late with the file, and who has it reads it once
 * a minute.
 */
const tokenSeconds = 3_600;

/** A source of a projected volume: the token of the pod's account for a function, in a file. */
export function projectedToken(namespace: string, name: string, path: string) {
  const audience = audienceOf(namespace, name);
  return { serviceAccountToken: { audience, expirationSeconds: tokenSeconds, path } };
}
