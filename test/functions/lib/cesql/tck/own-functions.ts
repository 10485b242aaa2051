import type { CesqlFunction } from '../../../../../functions/lib/cesql/functions.ts';

/** The functions that the conformance cases want a user to define. */
export const tckFunctions: readonly CesqlFunction[] = [
  {
    name: 'HASPREFIX',
    parameters: ['String', 'String'],
    returns: 'Boolean',
    call: ([text, prefix]) => ({ value: String(text).startsWith(String(prefix)) }),
  },
  {
    name: 'KONKAT',
    parameters: [],
    rest: 'String',
    returns: 'String',
    call: (values) => ({ value: values.join('') }),
  },
];
