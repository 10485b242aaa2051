const units: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A quantity of Kubernetes, such as `256Mi`, in whole bytes. */
export function bytesOf(quantity: string): number {
  const [, amount = '', unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = units[unit];
  if (factor === undefined) throw new TypeError(`${quantity} is no quantity`);
  return Math.ceil(Number(amount) * factor);
}
