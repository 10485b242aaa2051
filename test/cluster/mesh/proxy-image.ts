import { envoyProgram } from '../../../cloverctl/supervisor/programs.ts';
import type { Libraries } from '../../../infra/images/libraries.ts';
import type { Programs } from '../build.ts';
import type { ProgramImage } from '../image.ts';

/** Name of the image that pods of the mesh run a proxy from. */
export const proxyImageName = 'dev.local/istio-proxy:1';

/** What Envoy needs of Debian. */
export const envoyLibraries: Libraries = {
  libc6: ['libc.so.6', 'libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'librt.so.1'],
};

/** What `nft` needs beyond that. */
const nftLibraries: Libraries = {
  libbsd0: ['libbsd.so.0'],
  libedit2: ['libedit.so.2'],
  libgmp10: ['libgmp.so.10'],
  libjansson4: ['libjansson.so.4'],
  libmd0: ['libmd.so.0'],
  libmnl0: ['libmnl.so.0'],
  libnftables1: ['libnftables.so.1'],
  libnftnl11: ['libnftnl.so.11'],
  libtinfo6: ['libtinfo.so.6'],
  libxtables12: ['libxtables.so.12'],
};

/**
 * The image of a proxy, laid out as pilot-agent expects: it starts Envoy from a template, and in an init container redirects a pod's
 * connections by nftables. This Envoy is that of the wheel, which has none of Istio's own filters.
 * https://github.com/istio/istio/blob/master/pilot/docker/Dockerfile.proxyv2
 */
export function proxyImage(programs: Programs): ProgramImage {
  const built = (name: string): string => programs[name] ?? name;
  return {
    name: proxyImageName,
    program: built('pilot-agent'),
    // Hooks of a pod call it by its name alone.
    path: 'pilot-agent',
    files: {
      nft: '/usr/sbin/nft',
      'usr/local/bin/envoy': envoyProgram(),
      'var/lib/istio/envoy/envoy_bootstrap_tmpl.json': built('envoy-bootstrap.json'),
    },
    libraries: { ...envoyLibraries, ...nftLibraries },
  };
}
