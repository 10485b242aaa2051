import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CloverError } from '../../functions/lib/errors.ts';
import { version } from '../../functions/lib/version.ts';
import type { Installation } from '../../knative/render/installation.ts';
import type { KubernetesObject } from '../../knative/render/kubernetes-object.ts';
import { randomTokens } from '../../knative/render/tokens.ts';
import { renderInstallation } from '../../knative/render/render-installation.ts';
import { toYaml } from '../../knative/render/yaml.ts';
import type { InstallOptions } from '../commands/install.ts';
import type { CliEnv } from '../env.ts';
import { writeLines } from '../output/print.ts';
import { writeText } from '../output/write-text.ts';
import { placeOf } from './collections.ts';
import { inventoryObject, type Inventory } from './inventory.ts';
import {
  checkedInstallation,
  chosenSettings,
  merge,
  withoutNulls,
  type Settings,
} from './settings.ts';
import { unsaidSettings } from './unsaid-settings.ts';

/**
 * Prints an installation, or writes it into a folder that kustomize takes, with the inventory by which `upgrade` and `uninstall` know
 * it. No cluster is asked: what is taken for each setting that an install would find, and nobody says, is warned of.
 * @throws CloverError CLV_ARGUMENT_INVALID.
 */
export function printInstallation(options: InstallOptions, env: CliEnv): void {
  const { namespace, outputDir } = options;
  const chosen = withoutNulls(chosenSettings(options));
  const installation = checkedInstallation(chosen, { namespace, knative: false });
  for (const line of unsaidSettings(installation, chosen)) env.stderr.write(`warning: ${line}\n`);
  const objects = withInventory(namespace, renderInstallation(installation, randomTokens()), {
    version,
    // An upgrade keeps the form that was decided here, whatever it finds.
    settings: merge(decidedOf(installation), chosen),
    // It is one of the objects.
    namespace: 'made',
  });
  if (outputDir === undefined) {
    writeText(env, toYaml(objects));
    return;
  }
  demandEmpty(outputDir);
  const files = objects.map((object) => ({ name: fileName(object), text: toYaml([object]) }));
  for (const { name, text } of files) {
    // One of them is a Secret.
    writeFileSync(join(outputDir, name), text, { mode: 0o600 });
  }
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: files.map(({ name }) => name),
  };
  writeFileSync(join(outputDir, 'kustomization.yaml'), stringify(kustomization));
  writeLines(env, [
    `${files.length} objects are in ${outputDir}: kubectl apply --server-side --field-manager=cloverctl -k ${outputDir}`,
  ]);
}

/** The inventory stands behind the namespace, as an install writes it. */
function withInventory(
  namespace: string,
  objects: readonly KubernetesObject[],
  state: Omit<Inventory, 'objects'>,
): readonly KubernetesObject[] {
  const places = objects.map((object) => placeOf(object));
  const inventory = inventoryObject(namespace, { ...state, objects: places });
  return objects.toSpliced(1, 0, inventory);
}

/** What an install would decide by what the cluster has. */
function decidedOf({ knative, controlPlane: { istio, persistent } }: Installation): Settings {
  return { knative, controlPlane: { istio, ...(!knative && { persistent }) } };
}

function demandEmpty(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length === 0) return;
  } catch (cause) {
    throw new CloverError('CLV_ARGUMENT_INVALID', `--output-dir: cannot write to ${folder}`, {
      cause,
    });
  }
  const message = `--output-dir: found files in ${folder}; must be a new or empty folder`;
  throw new CloverError('CLV_ARGUMENT_INVALID', message);
}

function fileName({ apiVersion, kind, metadata }: KubernetesObject): string {
  // Services are of two groups.
  const group = apiVersion.includes('knative.dev') ? 'knative-' : '';
  return `${group}${kind.toLowerCase()}-${metadata.name}.yaml`;
}
