const amount = String.raw`(\d+(?:[.,]\d*)?|[.,]\d+)`;
const unit = (letter: string): string => `(?:${amount}${letter})?`;
const date = ['Y', 'M', 'W', 'D'].map(unit).join('');
const time = ['H', 'M', 'S'].map(unit).join('');
const duration = new RegExp(String.raw`^\+?P(?=[\d.,T])${date}(?:T(?=[\d.,])${time})?$`);

const day = 86_400;
/** Seconds; years and months are the mean ones of the calendar. */
const seconds = [365.2425 * day, (365.2425 / 12) * day, 7 * day, day, 3_600, 60, 1];

/**
 * Whole milliseconds of an ISO 8601 duration, as Knative reads them: `PT0.2S`, `PT.5S`, `P1DT12H`, `P2W`, `P0`. Fractions
 * are taken in every part, after a point or a comma. Undefined for anything else, and for a negative one.
 */
export function isoDurationMs(text: string): number | undefined {
  if (text === 'P0') return 0;
  const parts: readonly (string | undefined)[] | undefined = duration.exec(text)?.slice(1);
  if (parts === undefined) return undefined;
  const sum = parts.reduce(
    (total, part = '0', index) => total + Number(part.replace(',', '.')) * (seconds[index] ?? 0),
    0,
  );
  return Math.round(sum * 1_000);
}
