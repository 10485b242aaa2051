import { accessObjects } from '../access.ts';
import type { Installation } from '../installation.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { portPolicy } from '../network-policy.ts';
import { controlPlaneAccount } from './access.ts';
import { controlPlaneConfiguration, tokenObject } from './configuration.ts';
import { controlPlaneDeployment, controlPlaneService, controlPlaneVolume } from './deployment.ts';
import { controlPlane, controlPlanePort } from './names.ts';

/**
 * Everything of the control plane in one process, in the order in which it can be applied.
 * @param token of every caller, if the installation does not name a Secret that has it.
 */
export function controlPlaneObjects(
  installation: Installation,
  token?: string,
): KubernetesObject[] {
  const configuration = controlPlaneConfiguration(installation);
  return [
    ...accessObjects(installation, [controlPlaneAccount(installation)]),
    configuration,
    ...tokenObject(installation, token),
    ...controlPlaneVolume(installation),
    ...portPolicy(installation, controlPlane, controlPlanePort),
    controlPlaneService(installation),
    controlPlaneDeployment(installation, configuration),
  ];
}
