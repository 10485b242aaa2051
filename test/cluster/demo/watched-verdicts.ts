import { verdict, type Verdict } from '../../../knative/resources/experiment.ts';

/** What `kubectl get experiments -w` says of verdicts. */
export interface WatchedVerdicts {
  /** A line of it. */
  hear(line: string): void;
  /** By experiment, what its last line says. */
  readonly said: Readonly<Partial<Record<string, Verdict>>>;
}

/** Reads the lines of the table of Experiments, in which the name comes first and cells may be empty. */
export function createWatchedVerdicts(): WatchedVerdicts {
  const said: Partial<Record<string, Verdict>> = {};
  return {
    said,
    hear(line) {
      const [name = '', ...cells] = line.trim().split(/\s+/);
      const found = verdict.options.find((each) => cells.includes(each));
      if (found === undefined) delete said[name];
      else said[name] = found;
    },
  };
}
