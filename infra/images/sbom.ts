import { createHash } from 'node:crypto';
import type { Libraries } from './libraries.ts';
import type { NpmPackage } from './npm-packages.ts';
import type { Toolchain } from './toolchain.ts';

// CycloneDX 1.6, as far as it is written here. https://cyclonedx.org/docs/1.6/json/

/** A thing in an image. */
export interface Component {
  readonly type: 'application' | 'container' | 'library';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses?: readonly [{ readonly expression: string } | { license: { name: string } }];
  readonly components?: readonly Component[];
}

/** A bill of what is in an image. */
export interface Sbom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** What a bill is made from. */
export interface SbomSource {
  /** The image's name without its tag. */
  readonly image: string;
  readonly version: string;
  /** RFC 3339. */
  readonly created: string;
  readonly digest: string;
  readonly packages: readonly NpmPackage[];
  readonly libraries: Libraries;
  readonly toolchain: Toolchain;
}

/** Writes down what is in an image: packages of npm in its bundle, Node with its libraries, and Debian's. */
export async function writeSbom(source: SbomSource): Promise<Sbom> {
  const { toolchain } = source;
  const components = [
    ...source.packages.map(npmComponent),
    nodeComponent(toolchain),
    ...(await Promise.all(
      Object.keys(source.libraries).map((name) => debianComponent(name, toolchain)),
    )),
  ];
  const ref = `${source.image}@${source.digest}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(source.digest)}`,
    version: 1,
    metadata: {
      timestamp: source.created,
      component: {
        type: 'container',
        'bom-ref': ref,
        name: source.image,
        version: source.digest,
        licenses: [{ expression: 'Apache-2.0' }],
      },
    },
    components,
    dependencies: [{ ref, dependsOn: components.map((component) => component['bom-ref']) }],
  };
}

function npmComponent({ name, version, licence }: NpmPackage): Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(licence === undefined ? {} : { licenses: [licenceOf(licence)] }),
  };
}

/** npm wants an SPDX expression, and takes a sentence about a file too. */
function licenceOf(licence: string): { expression: string } | { license: { name: string } } {
  return /^SEE LICEN[CS]E|^UNLICENSED$/.test(licence)
    ? { license: { name: licence } }
    : { expression: licence };
}

// Numbers of interfaces, not of what is in it.
const noParts = new Set(['modules', 'napi', 'node']);

function nodeComponent({ nodeVersion, platform }: Toolchain): Component {
  const purl = `pkg:npm/${platform.nodePackage}@${nodeVersion}`;
  const parts = Object.entries(process.versions)
    .filter(([name, version]) => !noParts.has(name) && version !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    type: 'application',
    'bom-ref': purl,
    name: 'node',
    version: nodeVersion,
    purl,
    licenses: [{ expression: 'MIT' }],
    components: parts.map(([name, version = '']) => ({
      type: 'library',
      'bom-ref': `${purl}#${name}`,
      name,
      version,
    })),
  };
}

async function debianComponent(
  name: string,
  { platform, debian, versionOf }: Toolchain,
): Promise<Component> {
  const version = await versionOf(name);
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${platform.architecture}&distro=debian-${debian}`;
  return { type: 'library', 'bom-ref': purl, name, version, purl };
}

/** The same image has the same number: version 8 of RFC 9562 is for such. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
