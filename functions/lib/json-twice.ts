import { fieldPath } from './field-path.ts';
import { JsonReader } from './json-reader.ts';

const maxDepth = 512;
const maxFound = 100;

/**
 * Paths of members that their object has already, of which JSON.parse keeps the last alone; at most 100.
 * @param bytes JSON in UTF-8.
 * @throws SyntaxError for what is no JSON, and for more than some 1,000 levels.
 */
export function membersTwice(bytes: Buffer): readonly string[] {
  const reader = new JsonReader(bytes);
  const path: PropertyKey[] = [];
  const twice: string[] = [];
  const inside = (key: PropertyKey): void => {
    path.push(key);
    walk();
    path.pop();
  };
  const walk = (): void => {
    if (path.length < maxDepth && reader.isObject()) {
      const seen = new Set<string>();
      reader.object((name) => {
        if (seen.has(name) && twice.length < maxFound) twice.push(fieldPath([...path, name]));
        seen.add(name);
        inside(name);
      });
    } else if (path.length < maxDepth && reader.isArray()) reader.array(inside);
    // Deeper than a document can be that any schema takes: such a one is refused anyway.
    else reader.value();
  };
  walk();
  reader.end();
  return twice;
}
