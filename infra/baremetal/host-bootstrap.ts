import { envoyBootstrap } from '../../functions/mesh/envoy/bootstrap.ts';

/** Envoy's configuration on a host: what is in it never changes, all else comes from the control plane. */
export const hostBootstrap = envoyBootstrap({
  nodeId: 'gateway',
  xdsDir: '/var/lib/clover/xds',
  adminSocket: '/run/clover/envoy.sock',
});
