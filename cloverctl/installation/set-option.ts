import { InvalidArgumentError } from 'commander';

/** One `--set`: the path of a setting, and its value in YAML. */
export interface SetOption {
  readonly path: readonly string[];
  readonly value: string;
}

/** Parser of `--set a.b=VALUE`, which may be repeated. */
export function parseSet(text: string, before: readonly SetOption[] = []): readonly SetOption[] {
  const [, path = '', value = ''] =
    /^([A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*)=(.*)$/s.exec(text) ?? [];
  if (path === '') {
    throw new InvalidArgumentError('must be NAME=VALUE, such as agent.enabled=false');
  }
  return [...before, { path: path.split('.'), value }];
}
