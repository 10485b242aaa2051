import { z } from 'zod';

const revision = z.object({ header: z.object({ revision: z.string() }) });

/**
 * Makes etcd forget all but what is there now; an API server that is running still remembers.
 * @param etcd where it answers, without TLS.
 */
export async function compact(etcd: string): Promise<void> {
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(`${etcd}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const put = await post('/v3/kv/put', { key: btoa('later'), value: btoa('later') });
  const { header } = revision.parse(put);
  await post('/v3/kv/compaction', { revision: header.revision, physical: true });
}
