import { execFileSync } from 'node:child_process';
import { z } from 'zod';
import { withForeignPrograms } from '../../native/capture/foreign-program.ts';
import { run } from './command.ts';
import type { ProgramRuns } from './programs.ts';

const name = 'clover_empty';
const source = `SEC("tc") int ${name}(struct __sk_buff *skb) { return -1; }`;

const shown = z.object({ run_time_ns: z.number().default(0), run_cnt: z.number().default(0) });

/** A kernel program that does nothing, in both directions of an interface. */
export interface EmptyProgram extends AsyncDisposable {
  /** Since it is there (kernel.bpf_stats_enabled). */
  runs(): Promise<ProgramRuns>;
}

/** Puts it there, into a clsact qdisc that goes with it. */
export async function attachEmptyProgram(link: string): Promise<EmptyProgram> {
  await run('tc', ['qdisc', 'add', 'dev', link, 'clsact']);
  withForeignPrograms(source, (object) => {
    const program = ['bpf', 'da', 'obj', object, 'sec', 'tc'];
    for (const hook of ['ingress', 'egress'])
      execFileSync('tc', ['filter', 'add', 'dev', link, hook, ...program]);
  });
  return {
    async runs() {
      const text = await run('bpftool', ['--json', 'prog', 'show', 'name', name]);
      const programs = z.array(shown).parse([JSON.parse(text)].flat());
      return {
        runs: programs.reduce((sum, one) => sum + one.run_cnt, 0),
        ns: programs.reduce((sum, one) => sum + one.run_time_ns, 0),
      };
    },
    async [Symbol.asyncDispose]() {
      await run('tc', ['qdisc', 'del', 'dev', link, 'clsact']);
    },
  };
}
