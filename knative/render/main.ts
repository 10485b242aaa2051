/* `npm run --silent render -- FILE`: prints everything of an installation as YAML. */
import { randomTokens } from './tokens.ts';
import { readInstallation } from './read-installation.ts';
import { renderFile } from './render-file.ts';
import { renderInstallation } from './render-installation.ts';

renderFile('npm run --silent render -- FILE', (text) => {
  const reading = readInstallation(text);
  if ('problems' in reading) return reading;
  return { objects: renderInstallation(reading.installation, randomTokens()) };
});
