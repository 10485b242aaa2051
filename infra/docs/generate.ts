/* `npm run docs`: writes every page that is made from code. */
import { writeFile } from 'node:fs/promises';
import { generatedPages } from './pages.ts';

for (const { path, text } of generatedPages) {
  await writeFile(new URL(`../../${path}`, import.meta.url), await text());
  process.stdout.write(`${path}\n`);
}
