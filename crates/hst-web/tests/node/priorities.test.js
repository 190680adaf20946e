// Which pictures the application wants before others, and what the server is told of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

globalThis.MediaStream ??= class {
  id = 'stream';
};
const { Receiver } = await import('../../sdk/receive.js');

const [SCREEN, AUDIO, VIDEO] = [0, 1, 2];
const settled = () => new Promise(setImmediate);

/** Somebody who receives, and what he asks the server for. */
function eye() {
  const asked = [];
  const signal = {
    request: async (command) => {
      const [[name, { media, priority }]] = Object.entries(command);
      asked.push([name, media, ...(priority ? [priority] : [])].join(' '));
    },
  };
  const receiver = new Receiver(
    {
      self: 'me',
      voice: { mode: 0 },
      signal,
      renderer: { setTrack() {} },
      peer: { want() {}, unwant() {} },
    },
    { begin() {}, end() {}, clear() {} },
  );
  return { receiver, take: () => asked.splice(0) };
}

test('what matters is told when it is received, when it changes, and when it is received anew', async () => {
  const { receiver, take } = eye();
  await receiver.prioritize('ann', VIDEO, 'cam', 'high');
  assert.deepEqual(take(), [], 'it is not received yet');
  await receiver.start('ann', VIDEO, 'cam');
  await receiver.start('ben', VIDEO, 'cam2');
  assert.deepEqual(take(), ['receive cam', 'prioritize cam high', 'receive cam2']);
  await receiver.prioritize('ann', VIDEO, 'cam', 'low');
  await receiver.prioritize('ben', VIDEO, 'cam2', 'normal');
  assert.deepEqual(take(), ['prioritize cam low', 'prioritize cam2 normal']);
  receiver.restore();
  await settled();
  assert.deepEqual(take().sort(), ['prioritize cam low', 'prioritize cam2 normal', 'receive cam', 'receive cam2']);
  receiver.stop('ann', VIDEO, 'cam');
  await receiver.prioritize('ann', VIDEO, 'cam', 'high');
  assert.deepEqual(take(), ['stop_receive cam']);
  await receiver.start('ann', VIDEO, 'cam');
  assert.deepEqual(take(), ['receive cam', 'prioritize cam high']);
});

test('priorities without sense are refused and change nothing', async () => {
  const { receiver, take } = eye();
  await receiver.start('ann', SCREEN, null);
  take();
  for (const priority of ['highest', '', 1, null, undefined]) {
    await assert.rejects(receiver.prioritize('ann', SCREEN, null, priority), { code: 1 });
  }
  await assert.rejects(receiver.prioritize('ann', AUDIO, null, 'high'), { code: 1 });
  assert.deepEqual(take(), []);
});
