import type { Findings } from '../../../cloverctl/installation/discover.ts';

/** Of a cluster that has everything, in versions that are new enough. */
export const wholeCluster: Findings = {
  version: 'v1.37.2',
  serving: '1.22.0',
  eventing: '1.22.0',
  istio: '1.28.0',
  gateways: ['istio-ingress'],
  hasDefaultStorage: true,
  stopped: [],
  unserved: [],
};
