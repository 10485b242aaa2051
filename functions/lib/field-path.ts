/** A path as `kubectl` writes it: `spec.rules[0].split[1].weight`; keys with dots go in brackets. */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key);
    if (/[^\w-]/.test(name) || name === '') return `${text}[${JSON.stringify(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}
