/** A library that encrypts, in a file of a program. */
export interface TlsLibrary {
  /** `OpenSSL`, `BoringSSL`, `Go crypto/tls`. */
  readonly name: string;
  /** Empty where the file does not tell it. */
  readonly version: string;
  /** It names the functions that {@link TlsCapture.attachProcess} takes. */
  readonly readable: boolean;
}

/** Reads processes at their TLS libraries. */
export interface TlsCapture {
  /**
   * Reads what a process of a cgroup encrypts that is attached by its folder, at the TLS library in `file`, one of several maybe.
   * @throws CloverError CLV_CAPTURE_UNAVAILABLE naming what is missing.
   */
  attachProcess(pid: number, cgroup: string, file: string): void;
  /** Ends that; open requests fail as those of a process that has ended. */
  detachProcess(pid: number): void;
}
