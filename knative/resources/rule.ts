/**
 * A rule in CEL, as an API server evaluates it and the local store does: `x-kubernetes-validations` of
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules.
 * `self` is the value that the rule stands at; a rule with `oldSelf` is checked on updates only.
 */
export interface Rule {
  readonly rule: string;
  /**
   * What has to be so, as the end of a sentence that begins with the value: `must differ from control`. A fixed
   * text: a `messageExpression` that names what it found costs more than Kubernetes lets a rule cost.
   */
  readonly message: string;
  /** The field that an error names, from the value on: `.variant`. Default: the value itself. */
  readonly fieldPath?: string;
  /** Default: `FieldValueInvalid`. With some of the others, such as `FieldValueDuplicate`, Kubernetes drops the message. */
  readonly reason?: 'FieldValueForbidden';
}

/** Metadata of a zod schema that carries rules into the structural schema. */
export function rules(...list: readonly Rule[]): Readonly<Record<string, unknown>> {
  return { 'x-kubernetes-validations': list };
}

/** Metadata of a list whose items are told apart by these fields: no two items have the same. */
export function mapList(...keys: readonly string[]): Readonly<Record<string, unknown>> {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys };
}

/** Metadata of a list without equal items. */
export const setList: Readonly<Record<string, unknown>> = { 'x-kubernetes-list-type': 'set' };

/** Metadata of a text with a pattern: what the pattern asks, as the end of a sentence. */
export function must(words: string): Readonly<Record<string, unknown>> {
  return { must: words };
}

/** The type with everything in it read-only, as what a store gives out. */
export type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;
