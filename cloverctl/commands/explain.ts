import { Option, type Command } from 'commander';
import { resourceSchema } from '../../knative/crd.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import type { GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { findField } from '../explain/find-field.ts';
import { explanation } from '../explain/lines.ts';
import { kindByName } from '../kind-names.ts';
import { writeJson, writeLines } from '../output/print.ts';

interface ExplainOptions extends GlobalOptions {
  readonly recursive?: boolean;
  readonly output: 'json' | 'plaintext';
}

/** `explain`: what the fields of a kind mean, and what they may be; needs no control plane. */
export function registerExplain(program: Command, env: CliEnv): void {
  program
    .command('explain')
    .description('tell what the fields of a kind mean')
    .argument('<field>', 'a kind, or a field of it such as trafficpolicy.spec.rules')
    .option('--recursive', 'the names of all fields below, without their descriptions')
    .addOption(
      new Option('-o, --output <format>', 'form of the output')
        .choices(['plaintext', 'json'])
        .default('plaintext'),
    )
    .action((text: string, _: unknown, command: Command) => {
      explain(text, command.optsWithGlobals<ExplainOptions>(), env);
    });
}

function explain(text: string, options: ExplainOptions, env: CliEnv): void {
  const [word = '', ...path] = text.split('.');
  const { kind, singular } = kindByName(word);
  const found = findField(resourceSchema(kind), singular, path);
  const [group = '', version = ''] = apiVersion.split('/');
  if (options.json === true || options.output === 'json') {
    const { schema, required } = found;
    writeJson(env, { group, version, kind, field: path.join('.'), required, schema });
    return;
  }
  writeLines(env, [
    `GROUP:    ${group}`,
    `KIND:     ${kind}`,
    `VERSION:  ${version}`,
    '',
    ...explanation(found, options.recursive === true),
  ]);
}
