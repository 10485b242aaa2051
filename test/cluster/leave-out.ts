/** By which the configuration of the cluster's own tests says that none of them may be left out. */
const variable = 'CLOVER_LEAVE_OUT';

/**
 * Gives a reason for leaving tests out back.
 * @throws Error with it where nothing may be left out: a run that leaves out what it is for is no pass.
 */
export function leaveOut(
  why: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  if (why !== undefined && env[variable] === 'nothing') throw new Error(why);
  return why;
}
