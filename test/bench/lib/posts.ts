import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Posts over connections that are kept: each call takes one that is idle, or opens one. */
export interface Posts {
  /**
   * @param varying header lines beside those that never change, each with its end of line.
   * @throws Error when the answer is not a 202.
   */
  post(varying: string): Promise<void>;
  close(): void;
}

/**
 * A sender that costs less than what it measures: on two cores Node's own HTTP client takes half of the time of the server that
 * it calls. It knows answers without a body only.
 * @param fixed headers that every request has.
 */
export function createPosts(
  url: URL,
  fixed: Readonly<Record<string, string>>,
  body: string,
): Posts {
  const lines = Object.entries({ host: url.host, ...fixed, 'content-length': body.length })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const head = `POST ${url.pathname} HTTP/1.1\r\n${lines}`;
  const idle: Socket[] = [];
  const all: Socket[] = [];
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(url.port), url.hostname).setEncoding('latin1').setNoDelay();
    all.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  return {
    post: async (varying) => {
      const socket = idle.pop() ?? (await open());
      socket.write(`${head}${varying}\r\n${body}`, 'latin1');
      const answer = await answerOf(socket);
      if (!answer.startsWith('HTTP/1.1 202 ')) throw new Error(`answered ${answer.slice(0, 200)}`);
      idle.push(socket);
    },
    close: () => {
      for (const socket of all) socket.destroy();
    },
  };
}

function answerOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const end = (): void => {
      socket.off('data', take).off('close', cut);
    };
    const take = (chunk: string): void => {
      answer += chunk;
      if (!answer.endsWith('\r\n\r\n')) return;
      end();
      resolve(answer);
    };
    const cut = (): void => {
      end();
      reject(new Error('the connection was cut'));
    };
    socket.on('data', take).on('close', cut);
  });
}
