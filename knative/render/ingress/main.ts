/* `npm run --silent render:ingress -- FILE`: prints the network layer of Serving as YAML. */
import { readSettings } from '../read-installation.ts';
import { renderFile } from '../render-file.ts';
import { networkLayerObjects } from './objects.ts';
import { networkLayerSchema } from './settings.ts';

renderFile('npm run --silent render:ingress -- FILE', (text) => {
  const reading = readSettings(networkLayerSchema, text);
  return 'problems' in reading ? reading : { objects: networkLayerObjects(reading.settings) };
});
