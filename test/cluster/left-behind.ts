import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { identify, processesMarked } from '../../cloverctl/supervisor/process-table.ts';
import { runMark, type FoundRun } from '../../cloverctl/supervisor/run-record.ts';

/**
 * What is still there of a run, a line each; none after a complete end.
 * @param run as it was found while it ran.
 */
export function leftBehind({ path, record }: FoundRun): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const commands = readdirSync('/proc')
    // One that has ended stays until its parent has heard of it.
    .filter((name) => /^\d+$/.test(name) && identify(Number(name)) !== undefined)
    .map((pid) => ({ pid, said: `${textOf(pid, 'cmdline')} ${textOf(pid, 'cgroup')}` }));
  const routes = execFileSync('ip', ['route', 'show'], { encoding: 'utf8' });
  return [
    ...processesMarked(runMark, path).map(({ pid }) => `process ${pid}`),
    // Containers know nothing of the run: it is in the path of their control group.
    ...commands
      .filter(({ pid, said }) => said.includes(basename(path)) && pid !== String(process.pid))
      .map(({ pid, said }) => `process ${pid}: ${said}`),
    ...record.namespaces.filter((name) => existsSync(`/run/netns/${name}`)),
    ...record.links.filter((name) => existsSync(`/sys/class/net/${name}`)),
    ...record.routes.filter((route) => routes.includes(route)),
    ...record.cgroups.flatMap((name) =>
      mounts
        .map((line) => line.split(' '))
        .filter(([, top = '', type = '']) => /^cgroup2?$/.test(type) && existsSync(join(top, name)))
        .map(([, top = '']) => join(top, name)),
    ),
    ...mounts.filter((line) => line.includes(path)),
    ...(existsSync(path) ? [path] : []),
  ];
}

function textOf(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
