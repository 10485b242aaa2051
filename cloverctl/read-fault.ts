const words: Readonly<Record<string, string>> = {
  EACCES: 'there is no permission to read it',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
};

/** Why a file cannot be read, in plain words; what is rarer in those of the system. */
export function readFault(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause ? String(cause.code) : '';
  return words[code] ?? cause.message;
}
