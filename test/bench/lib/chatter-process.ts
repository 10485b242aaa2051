import { connect, createServer } from 'node:net';

/**
 * `server`: sends back what comes. `client ADDRESS COUNT`: so many small messages there and back, one after the other, in bytes that
 * are no protocol's; says `done` at the end.
 */
const port = 9_999;
const message = Buffer.alloc(64, 0xf7);
const [role, address = '', count = ''] = process.argv.slice(2);

function talk(tries = 100): void {
  let left = Number(count);
  let missing = 0;
  const socket = connect({ host: address, port, noDelay: true });
  const next = (): void => {
    if (left === 0) {
      socket.end(() => process.stdout.write('done\n'));
      return;
    }
    left -= 1;
    missing = message.length;
    socket.write(message);
  };
  socket.on('connect', next);
  socket.on('error', (error) => {
    if (tries === 0) throw error;
    setTimeout(() => talk(tries - 1), 50);
  });
  socket.on('data', (bytes) => {
    missing -= bytes.length;
    if (missing === 0) next();
  });
}

if (role === 'server') {
  createServer({ noDelay: true }, (socket) => socket.pipe(socket)).listen(port);
} else {
  talk();
}
