/** TCP sockets that closed at points that are cgroups, by whether what the kernel had counted at them came up. Cumulative. */
export interface SocketLedger {
  /** Attached cgroups of which no socket says anything: another program there, or above it, has asked for no others. */
  readonly deafPoints: number;
  readonly compared: number;
  /** Those compared of which bytes never came up: `lost` where packets were lost on their way up meanwhile, else `bypass`. */
  readonly differ: Readonly<Record<string, number>>;
  /** Those that say nothing, by reason (`late`, `unread`, `forgotten`, …). */
  readonly uncompared: Readonly<Record<string, number>>;
}
