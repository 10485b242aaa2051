// A gateway, a process of its own so that it can live in a pod's network: node relay-main.ts PORT HOST:PORT.
// Sends each request on, and gives back what is answered. Ends when the pipe at its standard input closes.
import { Agent, createServer, request } from 'node:http';
import { pipeline } from 'node:stream';
import process from 'node:process';

const [port = '', target = ''] = process.argv.slice(2);
const { hostname: host, port: targetPort } = new URL(`http://${target}`);
const agent = new Agent({ keepAlive: true });
/** Who waits sees the break. */
const onBreak = (): void => undefined;

const server = createServer((asked, answer) => {
  const { method, url: path } = asked;
  const headers = { ...asked.headers, host: target };
  const onward = request({ host, port: targetPort, agent, method, path, headers });
  onward.on('response', (given) => {
    answer.writeHead(given.statusCode ?? 502, given.headers);
    pipeline(given, answer, onBreak);
  });
  pipeline(asked, onward, (error) => {
    if (error) answer.destroy();
  });
  onward.on('error', () => answer.destroy());
});
server.listen(Number(port), () => process.stdout.write('listening\n'));
process.stdin.on('end', () => process.exit(0)).resume();
