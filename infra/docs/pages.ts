import { kinds } from '../../knative/resources/kinds.ts';
import { apiPage } from './api-page.ts';
import { crdFile } from './crd-files.ts';
import { cliPage } from './cli-page.ts';
import { errorsPage } from './errors-page.ts';
import { resourcesPage } from './resources-page.ts';
import { telemetryPage } from './telemetry-page.ts';

/** A page that is made from code. */
export interface GeneratedPage {
  /** From the root of the repository. */
  readonly path: string;
  /** The whole text, as the formatter leaves it. */
  readonly text: () => string | Promise<string>;
}

/** Every generated page, in alphabetical order. To add one, write its generator and name it here. */
export const generatedPages: readonly GeneratedPage[] = [
  { path: 'docs/api.md', text: apiPage },
  { path: 'docs/cli.md', text: cliPage },
  { path: 'docs/errors.md', text: errorsPage },
  { path: 'docs/resources.md', text: resourcesPage },
  { path: 'docs/telemetry.md', text: telemetryPage },
  ...kinds.map(({ kind, plural }) => ({
    path: `infra/crds/${plural}.yaml`,
    text: () => crdFile(kind),
  })),
];
