import { canonicalJson } from '../../../functions/lib/canonical-json.ts';
import { evaluate } from './evaluate.ts';
import type { Template } from './nodes.ts';

/**
 * The text of a template for a value: of a path that finds several values, with spaces between.
 * @throws CloverError CLV_ARGUMENT_INVALID with the place in the template.
 */
export function render(template: Template, value: unknown): string {
  return template
    .map((piece) => {
      if (piece.kind === 'text') return piece.text;
      const values = evaluate(piece.nodes, value);
      return piece.kind === 'print'
        ? values.map(valueText).join(' ')
        : values.map((each) => render(piece.body, each)).join('');
    })
    .join('');
}

/** A found value as text: a string as it is, anything else as JSON with its keys in order. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value);
}
