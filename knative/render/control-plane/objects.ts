import { accessObjects } from '../access.ts';
import type { Installation } from '../installation.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { portPolicy } from '../network-policy.ts';
import type { Tokens } from '../tokens.ts';
import { controlPlaneAccount } from './access.ts';
import { controlPlaneConfiguration, tokenObjects } from './configuration.ts';
import { controlPlaneDeployment, controlPlaneService, controlPlaneVolume } from './deployment.ts';
import { controlPlane, controlPlanePort } from './names.ts';

/**
 * Everything of the control plane in one process, in the order in which it can be applied.
 * @param tokens those for which the installation does not name a Secret.
 */
export function controlPlaneObjects(
  installation: Installation,
  tokens?: Tokens,
): KubernetesObject[] {
  const configuration = controlPlaneConfiguration(installation);
  const secrets = tokenObjects(installation, tokens);
  return [
    ...accessObjects(installation, [controlPlaneAccount(installation)]),
    configuration,
    ...secrets,
    ...controlPlaneVolume(installation),
    ...portPolicy(installation, controlPlane, controlPlanePort),
    controlPlaneService(installation),
    controlPlaneDeployment(installation, [configuration, ...secrets]),
  ];
}
