const account = 'viewer';

/**
 * Makes an account that may view everything, as the API asks the cluster who calls; returns a token of it.
 * @param kubectl runs kubectl with these arguments; resolves with what it prints.
 */
export async function viewerToken(
  kubectl: (args: readonly string[]) => Promise<string>,
): Promise<string> {
  const inNamespace = [account, '-n', 'default'];
  await kubectl(['create', 'serviceaccount', ...inNamespace]);
  const role = ['--clusterrole=view', `--serviceaccount=default:${account}`];
  await kubectl(['create', 'clusterrolebinding', account, ...role]);
  return (await kubectl(['create', 'token', ...inNamespace, '--duration=4h'])).trim();
}
