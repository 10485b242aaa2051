import { captureLibraries, nodeLibraries, type Libraries } from './libraries.ts';
import type { BundleSource } from './bundle.ts';
import { sources } from './main.ts';
import {
  admissionProcess,
  agentProcess,
  controlPlaneProcess,
  ingressProcess,
  loadProcess,
  type ProcessSource,
} from './process-bundle.ts';

/** What there is an image of. */
export interface ImageSource {
  readonly name: string;
  /** One function, or a process of another kind. */
  readonly program: BundleSource | ProcessSource;
  readonly libraries: Libraries;
}

/** Every image. */
export const imageSources: readonly ImageSource[] = [
  ...sources.map((program) => ({ name: program.name, program, libraries: nodeLibraries })),
  { name: 'admission', program: admissionProcess, libraries: nodeLibraries },
  { name: 'agent', program: agentProcess, libraries: { ...nodeLibraries, ...captureLibraries } },
  { name: 'control-plane', program: controlPlaneProcess, libraries: nodeLibraries },
  { name: 'ingress', program: ingressProcess, libraries: nodeLibraries },
  { name: 'load', program: loadProcess, libraries: nodeLibraries },
];
