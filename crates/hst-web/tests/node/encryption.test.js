// Once there is a key, groups are joined with it or not at all, whatever is still under way.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { Encryption } from '../../sdk/encryption.js';
import { MediaRef } from '../../sdk/ids.js';

/** The workers that were started, each with what it was told; it answers when the test lets it. */
let workers = [];
/** Whether the script of a worker can be loaded. */
let isThere = true;

Object.assign(globalThis, {
  location: { href: 'https://app.example/call', origin: 'https://app.example' },
  Worker: class {
    told = [];
    isEnded = false;

    constructor() {
      workers.push(this);
      setImmediate(() => (isThere ? this.onmessage({ data: { ready: true } }) : this.onerror({})));
    }

    postMessage(message) {
      this.told.push(message);
      if (message.call) setImmediate(() => this.onmessage({ data: { call: message.call, keyId: message.key?.id ?? 9 } }));
    }

    terminate() {
      this.isEnded = true;
    }
  },
  RTCRtpScriptTransform: class {
    constructor(worker, options) {
      Object.assign(this, { worker, options });
    }
  },
});

beforeEach(() => {
  workers = [];
  isThere = true;
});

const errands = { send: async () => {}, tell: () => {}, report: () => {} };
const code = (promise) => promise.then(() => 0, ({ code }) => code);

test('a group that is joined while its key is on the way is encrypted', async () => {
  const encryption = new Encryption();
  const set = encryption.setKey({ key: 'a passphrase', keyId: 4 });
  const seals = await encryption.enter('g', 'ann', errands);
  await set;
  assert.ok(seals);
  const [{ told }] = workers;
  const entered = { enter: { group: 'g', user: 'ann', isExchanged: false }, key: { id: 4, key: 'a passphrase', steps: 0 } };
  assert.deepEqual(told, [{ call: 1, ...entered }]);
});

test('when the worker cannot be had, no group is joined until encryption is given up', async () => {
  isThere = false;
  const encryption = new Encryption();
  assert.equal(await code(encryption.setKey({ key: 'a passphrase' })), 302);
  assert.equal(await code(encryption.enter('g', 'ann', errands)), 302);
  isThere = true;
  assert.ok(await encryption.enter('g', 'ann', errands), 'the next time it may be there');
  encryption.leave();
  assert.equal(await code(encryption.setKey(null)), 0);
  assert.equal(encryption.enter('g', 'ann', errands), null);
  assert.ok(workers.at(-1).isEnded);
});

test('a group is what it was when it was joined', async () => {
  const encryption = new Encryption();
  assert.equal(encryption.enter('open', 'ann', errands), null);
  assert.equal(await code(encryption.setKey({ key: 'too late' })), 302);
  encryption.leave();
  await encryption.setKey({ key: 'in time' });
  await encryption.enter('secret', 'ann', errands);
  assert.deepEqual(await Promise.all([null, { exchange: true }].map((key) => code(encryption.setKey(key)))), [302, 302]);
  encryption.leave();
  await encryption.setKey({ exchange: true });
  const { exchange } = await encryption.enter('secret', 'ann', errands);
  assert.ok(exchange);
  assert.deepEqual(workers[0].told.at(-1).key, exchange.key);
  assert.deepEqual([await code(encryption.setKey({ key: 'mine' })), await code(encryption.ratchet())], [302, 302]);
});

test('a key that was ratcheted is the same one in the next group', async () => {
  const encryption = new Encryption();
  await encryption.setKey({ key: 'a passphrase', keyId: 7 });
  await encryption.enter('g', 'ann', errands);
  assert.deepEqual(await encryption.ratchet(), { keyId: 9 });
  encryption.leave();
  await encryption.enter('h', 'ann', errands);
  assert.deepEqual(workers[0].told.at(-1).key, { id: 9, key: 'a passphrase', steps: 2 });
});

test('each line is led through the worker, which is told whose media it carries', async () => {
  const encryption = new Encryption();
  await encryption.setKey({ key: crypto.getRandomValues(new Uint8Array(16)) });
  const seals = await encryption.enter('g', 'ann', errands);
  const line = { sender: {}, receiver: {} };
  const seal = seals.put(line, 'receive', 'video');
  const { options } = line.receiver.transform;
  assert.deepEqual([options.way, options.kind, line.sender.transform], ['receive', 'video', undefined]);
  seal.carry(new MediaRef('ben', 2, 'cam'));
  const media = { userId: 'ben', mediaType: 2, mediaId: 'cam' };
  assert.deepEqual(workers[0].told.at(-1), { line: options.line, media });
  assert.deepEqual(
    ['video/VP8', 'audio/opus', 'video/rtx', 'audio/red', 'video/H264'].map((mimeType) => seals.canSeal(mimeType)),
    [true, true, true, false, false],
  );
});
