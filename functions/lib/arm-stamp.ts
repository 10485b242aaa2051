/** Header that carries the stamp on request and response; lower case, as HTTP/2 wants it. */
export const armHeader = 'x-clover-arm';

/** Run of traffic that no experiment touches; its arm is the version's name. */
export const standingRun = '-';

/** Who sent a request where: `<run>.<epoch>.<arm>`. */
export interface ArmStamp {
  /** Name of the ExperimentRun, or {@link standingRun}. */
  readonly run: string;
  /** Epoch of the run's intent; for standing traffic the policy's generation. */
  readonly epoch: number;
  /** `control` or `variant`; for standing traffic the version's name. */
  readonly arm: string;
}

/** The stamp as a header value. */
export function formatArmStamp(stamp: ArmStamp): string {
  return `${stamp.run}.${stamp.epoch}.${stamp.arm}`;
}

/** The stamp in a header value, or undefined where it is not one. */
export function parseArmStamp(text: string): ArmStamp | undefined {
  const parts = /^(-|[a-z0-9][-a-z0-9]{0,62})\.(\d{1,9})\.([a-z0-9][-a-z0-9]{0,62})$/.exec(text);
  if (parts === null) return undefined;
  const [, run = '', epoch = '', arm = ''] = parts;
  return { run, epoch: Number(epoch), arm };
}
