import { captureLibraries, nodeLibraries, type Libraries } from './libraries.ts';
import type { BundleSource } from './bundle.ts';
import { sources } from './main.ts';

/** What there is an image of. */
export interface ImageSource {
  readonly name: string;
  /** One function; absent for the agent. */
  readonly bundle?: BundleSource;
  readonly libraries: Libraries;
}

/** Every image. */
export const imageSources: readonly ImageSource[] = [
  ...sources.map((bundle) => ({ name: bundle.name, bundle, libraries: nodeLibraries })),
  { name: 'agent', libraries: { ...nodeLibraries, ...captureLibraries } },
];
