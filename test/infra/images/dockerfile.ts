import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { RunConfig } from '../../../infra/images/oci.ts';

/** A stage of a Dockerfile: how its image runs its program, with what it has from the stage that it begins with. */
export interface Stage extends Omit<RunConfig, 'Labels'> {
  /** Stages whose files it has. */
  readonly from: readonly string[];
  /** What is run when it is built. */
  readonly runs: readonly string[];
}

const nothing: Stage = { Env: [], Entrypoint: [], User: '', WorkingDir: '', from: [], runs: [] };

/**
 * Reads `infra/images/Dockerfile`, as far as the images need its instructions.
 * @returns the stage of a name; it throws where there is none.
 */
export async function readStages(): Promise<(name: string) => Stage> {
  const file = new URL('../../../infra/images/Dockerfile', import.meta.url);
  const lines = (await readFile(file, 'utf8')).replaceAll('\\\n', '').split('\n');
  const stages = new Map<string, Stage>();
  let name = '';
  for (const line of lines) {
    const [, instruction = '', rest = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (instruction === 'FROM') {
      const [base = '', , own = ''] = rest.split(' ');
      name = own;
      stages.set(name, { ...(stages.get(base) ?? nothing), from: [], runs: [] });
    } else {
      const stage = stages.get(name);
      if (stage !== undefined) stages.set(name, { ...stage, ...read(instruction, rest, stage) });
    }
  }
  return (wanted) => {
    const stage = stages.get(wanted);
    if (stage === undefined) throw new Error(`the Dockerfile has no stage ${wanted}`);
    return stage;
  };
}

function read(instruction: string, rest: string, { Env, from, runs }: Stage): Partial<Stage> {
  switch (instruction) {
    case 'COPY': {
      const [, other] = /^--from=(\S+) \/out\/ \/$/.exec(rest) ?? [];
      return other === undefined ? {} : { from: [...from, other] };
    }
    case 'ENTRYPOINT':
      return { Entrypoint: z.array(z.string()).parse(JSON.parse(rest)) };
    case 'ENV':
      return { Env: [...Env, ...rest.split(' ')] };
    case 'EXPOSE':
      return { ExposedPorts: { [`${rest}/tcp`]: {} } };
    case 'RUN':
      return { runs: [...runs, rest] };
    case 'USER':
      return { User: rest };
    case 'WORKDIR':
      return { WorkingDir: rest };
    default:
      return {};
  }
}
