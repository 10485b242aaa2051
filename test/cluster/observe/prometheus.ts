import { join } from 'node:path';
import { z } from 'zod';
import { waitUntilReady } from '../../../cloverctl/supervisor/readiness.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import { writeSettings, type ProgramSite } from './site.ts';

/** A Prometheus that scrapes, takes OTLP, and evaluates rules each second. */
export interface Prometheus {
  readonly url: string;
  /** Base URL of OTLP over HTTP. */
  readonly otlp: string;
  /**
   * Scrapes these, and evaluates these, in place of what it did before.
   * @throws Error with what is wrong with them.
   */
  configure(work: PrometheusWork): Promise<void>;
  /**
   * Series that an expression has now.
   * @throws Error for an expression that is none.
   */
  query(expression: string): Promise<readonly Sample[]>;
}

/** What a {@link Prometheus} does, as its own settings say it. */
export interface PrometheusWork {
  readonly scrape_configs: readonly object[];
  /** Paths of files. */
  readonly rule_files: readonly string[];
}

/** One series at one time. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const name = 'prometheus';
const answer = z.object({
  data: z.object({
    result: z.array(
      z
        .object({
          metric: z.record(z.string(), z.string()),
          value: z.tuple([z.number(), z.string()]),
        })
        .transform(({ metric, value: [, text] }) => ({ labels: metric, value: Number(text) })),
    ),
  }),
});

/**
 * Starts one; resolves when it answers.
 * @throws CloverError CLV_INTERNAL with the end of its log when it does not in half a minute.
 */
export async function startPrometheus({
  supervisor,
  program,
  folder,
  address,
}: ProgramSite): Promise<Prometheus> {
  const at = `${address}:${await freePort()}`;
  const url = `http://${at}`;
  const write = (work: PrometheusWork): string =>
    writeSettings(folder, name, {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      ...work,
    });
  await supervisor.start({
    name,
    command: program,
    args: [
      `--config.file=${write({ scrape_configs: [], rule_files: [] })}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=${at}`,
      '--web.enable-lifecycle',
      '--web.enable-otlp-receiver',
      '--log.level=warn',
    ],
  });
  await waitUntilReady({ supervisor, name, probe: { url: `${url}/-/ready` } });
  return {
    url,
    otlp: `${url}/api/v1/otlp`,
    configure: async (work) => {
      write(work);
      const response = await fetch(`${url}/-/reload`, { method: 'POST' });
      if (!response.ok) throw new Error(`${await response.text()}${supervisor.tail(name)}`);
    },
    query: async (expression) => {
      const asked = `${url}/api/v1/query?query=${encodeURIComponent(expression)}`;
      const response = await fetch(asked);
      if (!response.ok) throw new Error(await response.text());
      return answer.parse(await response.json()).data.result;
    },
  };
}
