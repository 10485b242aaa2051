/** What a caller has to be allowed, as Kubernetes' authorization has it: a verb on objects, or on a path that is no object. */
export type Access = ResourceAccess | { readonly verb: string; readonly path: string };

/** A verb on objects of a kind: on one, on those of a namespace, or on all. */
export interface ResourceAccess {
  readonly verb: string;
  readonly group: string;
  /** In plural, as a URL has it. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** Decides who may call. */
export interface Guard {
  /**
   * Resolves when the caller may do all of it.
   * @param authorization the header as it came in.
   * @throws CloverError CLV_UNAUTHORIZED when it is not known who calls, CLV_FORBIDDEN when they may not; whatever kept it from being
   * found out.
   */
  admit(authorization: string | undefined, wanted: readonly Access[]): Promise<void>;
}
