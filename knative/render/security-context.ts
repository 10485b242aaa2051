/** The user `nonroot` of minimal images: it owns nothing. */
export const nobody = 65_532;

/** What the Pod Security Standard `restricted` asks of a container, and a root file system that nobody writes to. */
export function restrictedContext() {
  return {
    runAsNonRoot: true,
    runAsUser: nobody,
    runAsGroup: nobody,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' as const },
  };
}
