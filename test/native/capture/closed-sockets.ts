import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

import type { SocketLedger } from '../../../native/capture/socket-ledger.ts';
import type { Capture } from '../../../native/capture/types.ts';
import { bpfIdsOf } from './testbed.ts';

/** No socket has closed. */
export const noSockets: SocketLedger = {
  deafPoints: 0,
  compared: 0,
  differ: {},
  uncompared: {},
};

/** What the ledger says of sockets, once so many have closed. */
export async function socketsOf(
  capture: Pick<Capture, 'ledger'>,
  count: number,
): Promise<SocketLedger> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const { compared, uncompared } = capture.ledger().sockets;
    const silent = Object.values(uncompared).reduce((sum, one) => sum + one, 0);
    if (compared + silent >= count) break;
    await delay(25);
  }
  return capture.ledger().sockets;
}

/** Takes away a program from where it is, as anybody with the rights may. */
export function detachLink(direction: 'egress' | 'ingress'): void {
  for (const id of bpfIdsOf('self').links) {
    const told = execFileSync('bpftool', ['-j', 'link', 'show', 'id', String(id)]).toString();
    if (told.includes(direction)) execFileSync('bpftool', ['link', 'detach', 'id', String(id)]);
  }
}
