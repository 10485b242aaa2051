import { isRecord } from '../../functions/lib/plain-value.ts';
import { unknownKeys } from '../../knative/render/read-installation.ts';
import { withoutNulls, type Settings } from './settings.ts';

/** The path of a setting, from the root. */
export type SettingPath = readonly string[];

/** Settings of an earlier version that this one has no more. */
export function droppedSettings(stored: Settings): readonly SettingPath[] {
  return unknownKeys(withoutNulls(stored));
}

/** Settings without those at the paths. */
export function withoutPaths(settings: Settings, paths: readonly SettingPath[]): Settings {
  return paths.reduce(withoutPath, settings);
}

function withoutPath(settings: Settings, [name = '', ...rest]: SettingPath): Settings {
  const { [name]: inner, ...others } = settings;
  if (rest.length === 0) return others;
  return isRecord(inner) ? { ...others, [name]: withoutPath(inner, rest) } : settings;
}
