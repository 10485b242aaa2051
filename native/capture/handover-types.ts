/** A planned restart: what a capture tells its successor, and how that one goes on with it. */
export interface HandingOver {
  /** What a successor on the same interfaces has to know to read on from here: connections, and what protocols remember; 8 MiB at most. */
  handOver(): Buffer;
  /**
   * Reads what has come, and then nothing until a window is set, or requests are taken over, for `ms` at most, for a ring has room for some of
   * it: to be called before the predecessor is asked.
   */
  hold(ms: number): void;
  /**
   * Goes on where the predecessor stood that made `state`, which may be anything: what is not sound or not of this version is
   * refused and counted (`takenOver` of the ledger), and read as it was met. The window must not have begun, and is set next.
   */
  takeOver(state: Uint8Array): void;
  /** Gives the open requests to a successor that has taken over: only evidence has them here any more, as stuck. */
  handOverRequests(): Buffer;
  /** Counts those. Of what is not followed here, as its connection could not be taken over, requests are lost as `handover`. */
  takeOverRequests(requests: Uint8Array): void;
}
