import type { Command } from 'commander';

/** A line for a shell, and what it is good for. */
export interface CliExample {
  readonly line: string;
  readonly does: string;
}

type Rows = readonly (readonly [line: string, does: string])[];

/** Examples of every command, by its words, in alphabetical order; help and docs/cli.md show them. */
const rows: Readonly<Record<string, Rows>> = {
  apply: [
    ['cloverctl apply -f policy.yaml', 'create or change what the file says'],
    ['cloverctl apply -f deploy/ --prune -l app=shop', 'and delete what it names no more'],
    ['cloverctl apply -R -f deploy/ --wait', 'a whole tree of files, until all of it is in force'],
    ['cat experiment.yaml | cloverctl apply -f - --dry-run', 'check it, and store nothing'],
  ],
  completion: [
    ['source <(cloverctl completion bash)', 'in this shell, or in ~/.bashrc'],
    ['cloverctl completion zsh > ~/.zfunc/_cloverctl', 'with ~/.zfunc in fpath'],
    ['cloverctl completion fish > ~/.config/fish/completions/cloverctl.fish', 'for fish'],
  ],
  'config current-context': [['cloverctl config current-context', 'which control plane is meant']],
  'config delete-context': [['cloverctl config delete-context lab', 'forget a control plane']],
  'config get-contexts': [['cloverctl config get-contexts', 'every control plane that is known']],
  'config set-context': [
    [
      'cloverctl config set-context lab --url http://10.0.0.7:7700 --token-file lab.token',
      'name a control plane',
    ],
  ],
  'config use-context': [['cloverctl config use-context lab', 'the one for all later commands']],
  'config view': [['cloverctl config view', 'the file, without its tokens']],
  'deadletters drop': [
    ['cloverctl deadletters drop 7', 'delete one'],
    ['cloverctl deadletters drop --all --trigger policy-runs --dry-run', 'see which it would be'],
  ],
  'deadletters list': [
    ['cloverctl deadletters list', 'the newest, with their last error'],
    ['cloverctl deadletters list --trigger policy-runs -o json', 'those of one trigger'],
  ],
  'deadletters replay': [
    ['cloverctl deadletters replay 7 9', 'deliver two again'],
    ['cloverctl deadletters replay --all --yes', 'deliver all of them again, without a question'],
  ],
  'deadletters show': [['cloverctl deadletters show 7', 'one with its event and its last error']],
  delete: [
    ['cloverctl delete experiment try-v2 -n shop', 'its traffic goes back to the control version'],
    ['cloverctl delete taps -l app=shop --dry-run', 'see what a selector fits'],
    ['cloverctl delete -f policy.yaml', 'what a file names'],
  ],
  demo: [
    ['cloverctl demo', 'a good version and a bad one, judged on real traffic'],
    ['cloverctl demo --keep', 'the same, to look around afterwards'],
  ],
  describe: [['cloverctl describe experiment try-v2 -n shop', 'conditions, timeline, evidence']],
  diff: [['cloverctl diff -R -f deploy/', 'what an apply of these files would change']],
  doctor: [
    ['cloverctl doctor', 'of the cluster of the kubeconfig'],
    ['cloverctl doctor --local', 'of this machine, for "up" and "demo"'],
  ],
  edit: [['cloverctl edit trafficpolicy proxy -n shop', 'in the editor of VISUAL or EDITOR']],
  'events send': [
    [
      `cloverctl events send --type com.example.hello --source /docs --data '{"n": 1}'`,
      'one event with JSON data',
    ],
    ['cloverctl events send -f event.json --dry-run', 'check an event, and send nothing'],
  ],
  'events tail': [
    ['cloverctl events tail', 'whatever the broker takes, from now on'],
    ["cloverctl events tail --filter 'type^=dev.clover.' --limit 10", 'ten of these types'],
    [
      `cloverctl events tail --cesql "subject LIKE 'shop/%'" -o json > events.ndjson`,
      'for "events send -f"',
    ],
  ],
  explain: [['cloverctl explain trafficpolicy.spec.rules', 'what the fields mean']],
  get: [
    ['cloverctl get experiments -A', 'of every namespace'],
    ['cloverctl get trafficpolicy proxy -n shop -o yaml', 'can be applied again'],
    ['cloverctl get events -n shop', 'what happened to objects'],
    ["cloverctl get tp proxy -n shop -o jsonpath='{.spec.target.host}'", 'one value alone'],
    [
      'cloverctl get exp -A -o custom-columns=NAME:.metadata.name,VERDICT:.status.verdict',
      'columns of your own',
    ],
  ],
  install: [
    ['cloverctl install -f installation.yaml', 'with these settings, until all of it is ready'],
    ['cloverctl install --set agent.enabled=false --dry-run', 'see what it would change'],
    ['cloverctl install -f installation.yaml --print > clover.yaml', 'for kubectl or GitOps'],
  ],
  looks: [['cloverctl looks try-v2-6f2c-1 -n shop -o wide', 'every look, with its reason']],
  red: [
    ['cloverctl red --last 5m', 'of the last five minutes'],
    ['cloverctl red --json', 'the same minute for a program'],
  ],
  status: [
    ['cloverctl status', 'the counters of every part, or what runs in the cluster'],
    ['cloverctl status -n clover-lab --json', 'of an installation in another namespace'],
  ],
  top: [
    ['cloverctl top', 'versions, the busiest first'],
    ['cloverctl top services --sort p99 --window 5m', 'services, the slowest first'],
    ['cloverctl top --once -o json', 'one view for a script'],
  ],
  trace: [
    ['cloverctl trace capture.pcap', 'who asked whom for what, how it ended, and how long it took'],
    ['cloverctl trace capture.pcapng.gz --json > spans.ndjson', 'the same for a program'],
    ['tcpdump -i any -w - tcp port 8080 | cloverctl trace -', 'while it is captured'],
  ],
  uninstall: [
    ['cloverctl uninstall', 'where there are no objects of Clover’s kinds'],
    ['cloverctl uninstall --keep-data', 'a later install finds them again'],
    ['cloverctl uninstall --delete-data', 'with everything that it keeps'],
  ],
  up: [
    ['cloverctl up', 'until Ctrl-C'],
    ['cloverctl up --cors-origin http://localhost:5173', 'for a UI under development'],
  ],
  upgrade: [
    ['cloverctl upgrade', 'with the settings that it has'],
    ['cloverctl upgrade --set logLevel=debug', 'the same version with another setting'],
  ],
  version: [
    ['cloverctl version', 'of client and server'],
    ['cloverctl version --client -o yaml', 'without a server'],
  ],
  watch: [['cloverctl watch experiments -n shop', 'what there is, and then every change']],
};

/** The examples of a command, by its words without `cloverctl`: `events tail`. */
export function examplesOf(words: string): readonly CliExample[] {
  const own = Object.hasOwn(rows, words) ? (rows[words] ?? []) : [];
  return own.map(([line, does]) => ({ line, does }));
}

/** What stands before the examples in a help. */
export const examplesHead = '\nExamples:\n';

/** Puts the examples at the end of the help of a command and of those below it. */
export function addExamples(command: Command, words: readonly string[] = []): void {
  const examples = examplesOf(words.join(' '));
  if (examples.length > 0) {
    const lines = examples.map(({ line, does }) => `  # ${does}\n  ${line}`);
    command.addHelpText('after', examplesHead + lines.join('\n'));
  }
  for (const inner of command.commands) addExamples(inner, [...words, inner.name()]);
}

/** The commands that have examples, by their words. */
export const exampleCommands: readonly string[] = Object.keys(rows);
