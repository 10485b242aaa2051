import type { Plugin } from 'esbuild';

/** Zod brings its messages in fifty languages, 300 KB that no bundler can know to be unused; it speaks English by itself. */
export const english: Plugin = {
  name: 'zod-in-english',
  setup: (bundler) => {
    bundler.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};
