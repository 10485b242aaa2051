/**
 * What Kubernetes takes for a quantity, but for a sign: a number, and a power of ten or two.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export const quantityPattern: RegExp =
  /^(\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/;

const factors: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity of Kubernetes as a number: of `250m` 0.25. */
export function amountOf(quantity: string): number {
  const [whole, amount = '', suffix = '', exponent = '0'] = quantityPattern.exec(quantity) ?? [];
  const factor = factors[suffix];
  if (whole === undefined || factor === undefined) {
    throw new TypeError(`${quantity} is no quantity`);
  }
  return Number(amount) * factor * 10 ** Number(exponent);
}

/** A quantity of Kubernetes, such as `256Mi`, in whole bytes. */
export function bytesOf(quantity: string): number {
  return Math.ceil(amountOf(quantity));
}
