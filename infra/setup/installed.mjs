// Exit code 0 if node_modules holds exactly what package-lock.json asks for. Runs on Node 20.
// npm writes node_modules/.package-lock.json as the last act of an installation.
import { existsSync, readFileSync } from 'node:fs';

const read = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
const wanted = read('package-lock.json');
const present = read('node_modules/.package-lock.json');

const good = Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
  if (path === '') return true;
  const found = present[path];
  if (found === undefined) return optional === true || devOptional === true;
  return found.version === version;
});
process.exit(good && existsSync('node_modules/.bin/node') ? 0 : 1);
