/**
 * Statements of a module that serves DNS over UDP at a port: each name has the address 192.0.2.7.
 * @param bound what `Socket.bind` takes: the port, and an address in quotes where it is one alone.
 */
export const nameServer = (bound: string): string => `
import { createSocket } from 'node:dgram';
const socket = createSocket('udp4');
socket.on('message', (asked, { address, port }) => {
  const question = asked.subarray(12, asked.indexOf(0, 12) + 5);
  const head = Buffer.concat([asked.subarray(0, 2), Buffer.from('81800001000100000000', 'hex')]);
  const answer = Buffer.from('c00c000100010000003c0004c0000207', 'hex');
  socket.send(Buffer.concat([head, question, answer]), port, address);
});
socket.bind(${bound});
`;
