import type { Installation } from '../installation.ts';

/** Of the Deployment, its Service, its account and its Secret. */
export const admission = 'admission';

/** Of the container; 443 of the Service. */
export const admissionPort = 8443;

/** The Secret of the certificate. */
export const certificateSecret = 'admission-certificate';

/** The webhook's configuration is in no namespace. */
export const configurationName = ({ namespace }: Installation): string =>
  `${namespace}-${admission}`;

/** What the API server asks for. */
export const serverName = ({ namespace }: Installation): string => `${admission}.${namespace}.svc`;
