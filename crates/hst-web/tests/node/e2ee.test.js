// Frames have the bytes that the crate hst-e2ee gives them, and nothing is shown that is not genuine.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { FrameCryptor } from '../../sdk/cryptor.js';
import { GroupKey } from '../../sdk/group_key.js';
import { WINDOW } from '../../sdk/replay.js';
import { SframeKey, decodeHeader, encodeHeader } from '../../sdk/sframe.js';

const golden = async (name) =>
  JSON.parse(await readFile(new URL(`../../../hst-e2ee/tests/golden/${name}`, import.meta.url), 'utf8'));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (bytes) => Buffer.from(bytes).toString('hex');

const PACKET = bytes('fc0102030405');
const KEYFRAME = bytes('1002009d012a8002e00107080910');
const KEYS = await Promise.all([1, 2].map((byte) => GroupKey.of(new Uint8Array(32).fill(byte), 'g')));

function member(user, key = KEYS[0]) {
  const cryptor = new FrameCryptor('g', user);
  cryptor.setKey(0, key);
  return cryptor;
}

test('headers and frames have the bytes of RFC 9605', async () => {
  const { headers, sframe } = await golden('rfc9605.json');
  assert.equal(headers.length, 289);
  for (const { kid, ctr, encoded } of headers) {
    assert.equal(hex(encodeHeader(BigInt(kid), BigInt(ctr))), encoded);
    assert.deepEqual(decodeHeader(bytes(encoded)), { kid: BigInt(kid), ctr: BigInt(ctr), size: encoded.length / 2 });
    for (let size = 0; size < encoded.length / 2; size += 1) {
      assert.equal(decodeHeader(bytes(encoded).subarray(0, size)), null, 'cut short');
    }
  }
  const key = await SframeKey.derive(BigInt(sframe.kid), bytes(sframe.base_key));
  const [metadata, plain, sealed] = [sframe.metadata, sframe.pt, sframe.ct].map(bytes);
  assert.equal(hex(await key.seal(BigInt(sframe.ctr), metadata, plain)), sframe.ct);
  const { ctr, size } = decodeHeader(sealed);
  assert.equal(hex(await key.open(ctr, metadata, sealed.subarray(size))), sframe.pt);
});

test('the frames of a sender have the bytes that are written down, and others read them', async () => {
  const { group, user, session, steps } = await golden('frames.json');
  const sender = new FrameCryptor(group, user, BigInt(`0x${session}`));
  const receiver = new FrameCryptor(group, 'somebody');
  for (const [at, step] of steps.entries()) {
    const { key, passphrase, ratchet, opus, vp8 } = step;
    if (key || passphrase) {
      const groupKey = await GroupKey.of(key ? bytes(key.bytes) : passphrase.text, group);
      for (const member of [sender, receiver]) member.setKey((key ?? passphrase).id, groupKey);
    } else if (ratchet) {
      assert.equal(await sender.ratchet(), ratchet.id);
    } else {
      const [kind, { plain, sealed }] = opus ? ['audio', opus] : ['video', vp8];
      const made = await sender.seal(kind, bytes(plain));
      assert.equal(hex(made), sealed, `step ${at}`);
      assert.equal(hex(await receiver.open(user, kind, made)), plain, `step ${at}`);
    }
  }
});

test('without the key nothing is sent and nothing is shown', async () => {
  const keyless = new FrameCryptor('g', 'eve');
  assert.equal(await keyless.seal('audio', PACKET), null);
  const ann = member('ann');
  const sealed = await ann.seal('audio', PACKET);
  assert.equal(await keyless.open('ann', 'audio', sealed), 'unknown_key');
  assert.equal(await member('eve', KEYS[1]).open('ann', 'audio', sealed), 'forged');
  assert.equal(await member('ben').open('eve', 'audio', sealed), 'forged', 'said to be of somebody else');
});

test('what is not encrypted, and what is of another codec, goes neither out nor in', async () => {
  const ben = member('ben');
  for (const frame of [KEYFRAME, bytes(''), bytes('3100'), bytes('fcfffe')]) {
    for (const kind of ['audio', 'video']) assert.equal(await ben.open('ann', kind, frame), 'malformed');
  }
  for (const wrong of ['', '10', '0000000165b8000400000300', '1002009d012a8002e0']) {
    assert.equal(await ben.seal('video', bytes(wrong)), null, wrong);
  }
  assert.equal(await ben.seal('audio', bytes('')), null);
});

test('a changed frame is not shown, whatever was changed', async () => {
  for (const [kind, frame] of [['audio', PACKET], ['video', KEYFRAME]]) {
    const sealed = await member('ann').seal(kind, frame);
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.slice();
      changed[at] ^= 1 << (at % 8);
      assert.equal(typeof (await member('ben').open('ann', kind, changed)), 'string', `byte ${at}`);
    }
  }
});

test('a frame is taken once, also when two copies come at the same time, and a late one within the window', async () => {
  const [ann, ben] = [member('ann'), member('ben')];
  const sealed = [];
  for (let count = 0; count <= WINDOW; count += 1) sealed.push(await ann.seal('audio', PACKET));
  const both = await Promise.all([0, 1].map(() => ben.open('ann', 'audio', sealed.at(-1))));
  assert.deepEqual(both.map((opened) => typeof opened).sort(), ['object', 'string']);
  assert.equal(hex(await ben.open('ann', 'audio', sealed[1])), hex(PACKET));
  assert.equal(await ben.open('ann', 'audio', sealed[0]), 'replayed', 'too late');
});

test('who has left reads nothing after the rotation, and late frames are still read', async () => {
  const [ann, ben, left] = ['ann', 'ben', 'left'].map((user) => member(user));
  const late = await ann.seal('video', KEYFRAME);
  for (const one of [ann, ben]) one.setKey(1, KEYS[1]);
  const sealed = await ann.seal('video', KEYFRAME);
  assert.equal(hex(await ben.open('ann', 'video', sealed)), hex(KEYFRAME));
  assert.equal(hex(await ben.open('ann', 'video', late)), hex(KEYFRAME));
  assert.equal(await left.open('ann', 'video', sealed), 'unknown_key');
});

test('a few old keys are kept, and the oldest is forgotten', async () => {
  const [ann, ben] = [member('ann'), member('ben')];
  const sealed = await Promise.all([ann.seal('audio', PACKET), ann.seal('audio', PACKET)]);
  for (const id of [1, 2, 3]) ben.setKey(id, KEYS[1]);
  assert.equal(hex(await ben.open('ann', 'audio', sealed[0])), hex(PACKET));
  ben.setKey(4, KEYS[1]);
  assert.equal(await ben.open('ann', 'audio', sealed[1]), 'unknown_key');
});

test('who ratchets is followed, and who comes then reads nothing of before', async () => {
  const [ann, ben] = [member('ann'), member('ben')];
  const before = await ann.seal('audio', PACKET);
  assert.equal(await ann.ratchet(), 1);
  const newcomer = new FrameCryptor('g', 'new');
  newcomer.setKey(1, await KEYS[0].ratcheted());
  const after = await ann.seal('audio', PACKET);
  assert.equal(await newcomer.open('ann', 'audio', before), 'unknown_key');
  for (const one of [newcomer, ben]) assert.equal(hex(await one.open('ann', 'audio', after)), hex(PACKET));
  assert.equal(ben.keyId, 1, 'he sends under it, too');
});

test('who has no keys of his own is not read under those of another', async () => {
  const ann = FrameCryptor.inExchange('g', 'ann');
  ann.setKey(0, KEYS[0]);
  const forger = member('ben');
  for (let round = 0; round < 2; round += 1) {
    assert.equal(await ann.open('ben', 'audio', await forger.seal('audio', PACKET)), 'unknown_key');
    ann.setKeyOf('ben', 0, KEYS[1]);
    ann.forget('ben');
  }
});

test('the same key, set again, has seen what it saw', async () => {
  const [shared, exchanged, ben] = [member('ann'), FrameCryptor.inExchange('g', 'ann'), member('ben')];
  const again = await GroupKey.of(new Uint8Array(32).fill(1), 'g');
  exchanged.setKeyOf('ben', 0, KEYS[0]);
  const frame = await ben.seal('audio', PACKET);
  for (const ann of [shared, exchanged]) {
    assert.equal(hex(await ann.open('ben', 'audio', frame)), hex(PACKET));
    if (ann === shared) ann.setKey(0, again);
    else ann.setKeyOf('ben', 0, again);
    assert.equal(await ann.open('ben', 'audio', frame), 'replayed');
  }
});

test('a key that is set while a frame is opened stays the one in use', async () => {
  const [ann, ben] = [member('ann'), member('ben')];
  await ben.ratchet();
  const opening = ann.open('ben', 'audio', await ben.seal('audio', PACKET));
  ann.setKey(7, KEYS[1]);
  assert.equal(await opening, 'unknown_key');
  assert.equal(ann.keyId, 7);
  const reader = new FrameCryptor('g', 'cas');
  reader.setKey(7, KEYS[1]);
  assert.equal(hex(await reader.open('ann', 'audio', await ann.seal('audio', PACKET))), hex(PACKET));
});

test('who is forgotten while a frame of his is opened leaves no key behind', async () => {
  const ben = member('ben');
  const known = await ben.seal('audio', PACKET);
  await ben.ratchet();
  for (const frame of [known, await ben.seal('audio', PACKET)]) {
    const ann = FrameCryptor.inExchange('g', 'ann');
    ann.setKey(9, KEYS[1]);
    ann.setKeyOf('ben', 0, KEYS[0]);
    const opening = ann.open('ben', 'audio', frame);
    ann.forget('ben');
    assert.equal(await opening, 'unknown_key');
    assert.equal(ann.keyId, 9);
    assert.equal(await ann.open('ben', 'audio', frame), 'unknown_key');
  }
});

test('two first frames under the next key, which are opened at one time, are both shown', async () => {
  const [ann, ben] = [member('ann'), member('ben')];
  await ben.ratchet();
  const frames = [await ben.seal('audio', PACKET), await ben.seal('audio', PACKET)];
  const opened = await Promise.all(frames.map((frame) => ann.open('ben', 'audio', frame)));
  assert.deepEqual(opened.map(hex), [hex(PACKET), hex(PACKET)]);
});
