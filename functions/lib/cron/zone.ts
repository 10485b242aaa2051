/** A time zone: what the clocks on the wall say. */
export interface Zone {
  /** The IANA name. */
  readonly name: string;
  /** Milliseconds that the wall clocks are ahead of UTC at an instant (Unix ms). */
  offsetAt(instant: number): number;
}

/** As Go finds them: by file name, so with capitals, and no bare offsets, which `Intl` takes too. */
const zoneName = /^[A-Z][\w+-]*(?:\/[A-Z][\w+-]*)*$/;

/** The zone of an IANA name, or undefined when there is none of that name. */
export function createZone(name: string): Zone | undefined {
  if (name === 'UTC') return { name, offsetAt: () => 0 };
  if (!zoneName.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch {
    return undefined;
  }
  return { name, offsetAt: (instant) => offsetOf(format, instant) };
}

/** From texts such as `GMT`, `GMT-05:00` and, of the time before zones, `GMT-04:56:02`. */
function offsetOf(format: Intl.DateTimeFormat, instant: number): number {
  const text = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value;
  const parts = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text ?? '');
  if (parts === null) throw new TypeError(`not an offset: ${text}`);
  const [, sign, hours = 0, minutes = 0, seconds = 0] = parts;
  const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
  return sign === '-' ? -size : size;
}

/**
 * The instant at which wall clocks show a time, which is given as if it were UTC. Of a time that exists
 * twice or never, the one that Go's time.Date gives.
 */
export function instantOf(zone: Zone, wall: number): number {
  return wall - zone.offsetAt(wall - zone.offsetAt(wall));
}
