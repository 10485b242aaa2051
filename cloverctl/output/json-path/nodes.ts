import { CloverError } from '../../../functions/lib/errors.ts';

/** How a filter compares. */
export type FilterOperator = '!=' | '<' | '<=' | '==' | '>' | '>=';

/** One step of a path: it turns every value of its input into any number of values. `at` is its place in the template. */
export type PathNode =
  | {
      readonly kind: 'field';
      readonly name: string;
      /** What the name means where no field is called so: `a.b` of `['a.b']` as the path `.a.b`. */
      readonly path?: readonly string[];
    }
  | { readonly kind: 'filter'; readonly at: number; readonly left: PathNodes }
  | {
      readonly kind: 'compare';
      readonly at: number;
      readonly left: PathNodes;
      readonly operator: FilterOperator;
      readonly right: PathNodes;
    }
  | { readonly kind: 'index'; readonly at: number; readonly index: number }
  | { readonly kind: 'literal'; readonly value: boolean | number | string }
  | { readonly kind: 'recursive' }
  | {
      readonly kind: 'slice';
      readonly at: number;
      readonly start?: number;
      readonly end?: number;
      readonly step?: number;
    }
  | { readonly kind: 'union'; readonly branches: readonly PathNodes[] }
  | { readonly kind: 'wildcard' };

/** Steps, one after the other. */
export type PathNodes = readonly PathNode[];

/** A part of a template. */
export type Piece =
  | { readonly kind: 'print'; readonly nodes: PathNodes }
  | { readonly kind: 'range'; readonly nodes: PathNodes; readonly body: Template }
  | { readonly kind: 'text'; readonly text: string };

/** A template: texts, paths to print, and ranges. */
export type Template = readonly Piece[];

/** The error of a template, with the place in it. */
export function pathError(at: number, message: string): CloverError {
  const where = `at character ${at + 1} ${message}`;
  return new CloverError('CLV_ARGUMENT_INVALID', `jsonpath: ${where}`, {
    details: [{ field: 'jsonpath', message: where }],
  });
}
