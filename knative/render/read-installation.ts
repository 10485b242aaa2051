import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { installationSchema, type Installation } from './installation.ts';
import { settingWords } from './setting-words.ts';

/** An installation, or what is wrong with its text: a line for each bad field. */
export type InstallationReading =
  | { readonly installation: Installation }
  | { readonly problems: readonly string[] };

/** Reads one YAML or JSON document and fills in the defaults. */
export function readInstallation(text: string): InstallationReading {
  const reading = readSettings(installationSchema, text);
  return 'problems' in reading ? reading : { installation: reading.settings };
}

/** The paths of keys that installations of this version do not have, whatever else is wrong with the settings. */
export function unknownKeys(settings: unknown): readonly (readonly string[])[] {
  const { error } = installationSchema.safeParse(settings);
  return (error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [...issue.path.map(String), key])
      : [],
  );
}

/** What {@link readInstallation} does, for another schema. */
export function readSettings<Settings>(
  schema: z.ZodType<Settings>,
  text: string,
): { readonly settings: Settings } | { readonly problems: readonly string[] } {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    return { problems: document.errors.map(({ message }) => message.split('\n', 1).join('')) };
  }
  const result = schema.safeParse(document.toJS(), { error: settingWords });
  if (result.success) return { settings: result.data };
  return { problems: result.error.issues.flatMap(problemsOf) };
}

function problemsOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code !== 'unrecognized_keys') return [`${fieldOf(issue.path)}: ${issue.message}`];
  const words = issue.message.split('\n');
  return issue.keys.map((key, index) => `${fieldOf([...issue.path, key])}: ${words[index]}`);
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.') || '(root)';
}
