import { readdir, readFile } from 'node:fs/promises';

/** Runs of a process's kernel programs so far, and the time that they took (kernel.bpf_stats_enabled). */
export interface ProgramRuns {
  readonly runs: number;
  readonly ns: number;
}

/** As the kernel says of the programs that the process holds (`/proc/<pid>/fdinfo`). */
export async function programRuns(pid: number): Promise<ProgramRuns> {
  const folder = `/proc/${pid}/fdinfo`;
  const programs = new Map<number, ProgramRuns>();
  for (const descriptor of await readdir(folder)) {
    // It may have been closed meanwhile.
    const text = await readFile(`${folder}/${descriptor}`, 'utf8').catch(() => '');
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1]);
    const runs = field('run_cnt');
    if (!Number.isNaN(runs)) programs.set(field('prog_id'), { runs, ns: field('run_time_ns') });
  }
  if (programs.size === 0) throw new Error(`process ${pid} holds no kernel program`);
  const all = [...programs.values()];
  return {
    runs: all.reduce((sum, one) => sum + one.runs, 0),
    ns: all.reduce((sum, one) => sum + one.ns, 0),
  };
}
