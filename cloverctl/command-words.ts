/** Options of every command whose value may be the next word, and `-n`, which may stand before the command, too. */
const valued = new Set([
  '--color',
  '--context',
  '--namespace',
  '--request-timeout',
  '--server',
  '--token',
  '-n',
]);

/** Index of the command: the first word that is neither an option nor the value of one; -1 where there is none. */
export function commandIndex(args: readonly string[]): number {
  return args.findIndex((arg, index) => !arg.startsWith('-') && !valued.has(args[index - 1] ?? ''));
}

/**
 * The arguments with a namespace that stands before the command put behind it: `-n shop get taps` is
 * `get -n shop taps`, as with kubectl. A command that has no namespace refuses the option as it does elsewhere.
 */
export function namespaceBehindCommand(args: readonly string[]): readonly string[] {
  const at = commandIndex(args);
  if (at === -1) return args;
  const before = args.slice(0, at);
  const isNamespace = (arg: string, index: number): boolean =>
    /^(?:-n|--namespace(?:=|$))/.test(arg) || /^(?:-n|--namespace)$/.test(before[index - 1] ?? '');
  return [
    ...before.filter((arg, index) => !isNamespace(arg, index)),
    ...args.slice(at, at + 1),
    ...before.filter(isNamespace),
    ...args.slice(at + 1),
  ];
}
