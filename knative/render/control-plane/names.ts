import type { Installation } from '../installation.ts';
import { serviceHost } from '../service-host.ts';

/** Of the Deployment, its Service and its account. */
export const controlPlane = 'control-plane';

/** Of the container and of the Service. */
export const controlPlanePort = 7700;

/** Where agents find the control plane in one process. */
export function controlPlaneUrl(installation: Installation): string {
  return `http://${serviceHost(installation, controlPlane)}:${controlPlanePort}`;
}
