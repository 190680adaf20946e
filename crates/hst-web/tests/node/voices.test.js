// How a voice is sent that is altered, which voice of somebody is received, and that all of it is one microphone.

import assert from 'node:assert/strict';
import { test } from 'node:test';

globalThis.MediaStream ??= class {
  id = 'stream';
  addTrack() {}
  removeTrack() {}
};
const { MediaRef } = await import('../../sdk/ids.js');
const { Publisher } = await import('../../sdk/publish.js');
const { Receiver } = await import('../../sdk/receive.js');

const MIC = MediaRef.microphone('ann');
const ALTERED = MediaRef.alteredVoice('ann');
const [FOLLOW, ORIGINAL, ONLY_ALTERED] = [0, 1, 2];
const settled = () => new Promise(setImmediate);

/** Somebody who receives, and what he asks the server for. */
function ear(mode = FOLLOW) {
  const [asked, wants, shown, told] = [[], new Map(), [], []];
  const voice = { mode };
  const ear = { asked, wants, shown, told, refuse: null };
  const request = async (command) => {
    const [[name, { media }]] = Object.entries(command);
    asked.push(`${name} ${media}`);
    if (ear.refuse === media && name === 'receive') throw Object.assign(new Error('gone'), { serverCode: 302 });
  };
  ear.receiver = new Receiver(
    {
      self: 'me',
      voice,
      signal: { request },
      renderer: { isShown: () => false, setTrack: (media, track) => shown.push(`${media.media} ${track}`) },
      peer: {
        want: (want) => wants.set(want.media.key, want),
        unwant: (want) => wants.get(want.media.key) === want && wants.delete(want.media.key),
      },
      emit: (name, { mediaId }) => told.push(`${name} ${mediaId}`),
    },
    { begin() {}, end() {}, clear() {} },
  );
  /** What is received of ann begins to flow. */
  ear.flow = () => {
    const { source, onFlow } = wants.get(MIC.key);
    onFlow(source.media);
    return source.media;
  };
  ear.choose = (next) => {
    voice.mode = next;
    ear.receiver.followVoices();
  };
  return ear;
}

test('who follows hears the altered voice while there is one, and is told of a microphone once', async () => {
  const { receiver, asked, shown, told, flow } = ear();
  await receiver.start('ann', 1, 'appdef_mic');
  assert.equal(flow(), 'appdef_mic');
  receiver.handleCompanion(ALTERED, true);
  assert.equal(flow(), 'appdef_mic_magic');
  receiver.handleCompanion(ALTERED, false);
  assert.equal(flow(), 'appdef_mic');
  await settled();
  receiver.stop('ann', 1, 'appdef_mic');
  assert.deepEqual(asked, [
    'receive appdef_mic',
    'stop_receive appdef_mic',
    'receive appdef_mic_magic',
    'stop_receive appdef_mic_magic',
    'receive appdef_mic',
    'stop_receive appdef_mic',
  ]);
  const tracks = ['appdef_mic', null, 'appdef_mic_magic', null, 'appdef_mic', null];
  assert.deepEqual(
    shown,
    tracks.map((track) => `appdef_mic ${track}`),
    'a line that carries something else next is shown no more',
  );
  assert.deepEqual(told, ['onRemoteMediaAdd appdef_mic']);
});

test('the altered voice that is there first is received at once, and no moment of the original', async () => {
  const { receiver, asked } = ear();
  receiver.handleCompanion(ALTERED, true);
  await receiver.start('ann', 1, 'appdef_mic');
  assert.deepEqual(asked, ['receive appdef_mic_magic']);
});

test('who wants the original hears it whatever comes, and who wants the altered one hears nothing else', async () => {
  const { receiver, asked, wants, choose } = ear(ORIGINAL);
  await receiver.start('ann', 1, 'appdef_mic');
  receiver.handleCompanion(ALTERED, true);
  assert.deepEqual(asked.splice(0), ['receive appdef_mic']);
  choose(ONLY_ALTERED);
  assert.deepEqual(asked.splice(0), ['stop_receive appdef_mic', 'receive appdef_mic_magic']);
  receiver.handleCompanion(ALTERED, false);
  assert.deepEqual(asked.splice(0), ['stop_receive appdef_mic_magic']);
  assert.equal(wants.size, 0);
  receiver.restore();
  assert.deepEqual(asked.splice(0), [], 'there is nothing to ask for again');
  choose(FOLLOW);
  assert.deepEqual(asked.splice(0), ['receive appdef_mic']);
});

test('a voice that is waited for is told when it comes, and not before', async () => {
  const { receiver, asked, told, flow } = ear(ONLY_ALTERED);
  await receiver.start('ann', 1, 'appdef_mic');
  assert.deepEqual([asked, told], [[], []]);
  receiver.handleCompanion(ALTERED, true);
  flow();
  assert.deepEqual(told, ['onRemoteMediaAdd appdef_mic']);
});

test('an altered voice that has just ended leaves the original', async () => {
  const one = ear();
  one.receiver.handleCompanion(ALTERED, true);
  one.refuse = 'appdef_mic_magic';
  await one.receiver.start('ann', 1, 'appdef_mic');
  await settled();
  assert.deepEqual(one.asked.slice(-1), ['receive appdef_mic']);
  assert.equal(one.flow(), 'appdef_mic');
});

/** Somebody with a microphone, what he tells the group, and what his lines send. */
function mouth() {
  const [said, sent, open] = [[], new Map(), new Set()];
  const voice = {
    isAltered: false,
    isHidden: false,
    alter: async (input) => {
      open.add(input);
      return { input, track: `altered ${input}`, silence: 'silence', close: () => open.delete(input) };
    },
  };
  const publisher = new Publisher({
    self: 'me',
    voice,
    signal: {
      request: async (command) => {
        const [[name, { media }]] = Object.entries(command);
        said.push(`${name} ${media}`);
      },
    },
    captures: {
      hold: (_media, device) => ({ track: Promise.resolve(device), sound: null }),
      swap: async (_capture, device) => device,
      release: () => {},
    },
    peer: {
      want: ({ media, track }) => sent.set(media.media, track),
      unwant: ({ media }) => sent.delete(media.media),
      replaceTrack: async (sending, track) => {
        sending.track = track;
        sent.set(sending.media.media, track);
      },
    },
    report: (error) => assert.fail(error),
  });
  const alter = async (isAltered, isHidden = false) => {
    Object.assign(voice, { isAltered, isHidden });
    await publisher.followVoice();
  };
  return { publisher, said, open, alter, sends: () => Object.fromEntries(sent) };
}

test('the altered voice is a media beside the microphone, which comes and goes with the switch', async () => {
  const { publisher, said, open, alter, sends } = mouth();
  await publisher.start(1, 'one', {});
  await alter(true);
  assert.deepEqual(sends(), { appdef_mic: 'one', appdef_mic_magic: 'altered one' });
  await publisher.switchDevice(1, null, 'two');
  assert.deepEqual(sends(), { appdef_mic: 'two', appdef_mic_magic: 'altered two' });
  assert.deepEqual([...open], ['two']);
  await alter(true, true);
  assert.deepEqual(sends(), { appdef_mic: 'silence', appdef_mic_magic: 'altered two' });
  await alter(false);
  assert.deepEqual(sends(), { appdef_mic: 'two' });
  assert.equal(open.size, 0, 'nothing is altered any more');
  assert.deepEqual(said, ['publish appdef_mic', 'publish appdef_mic_magic', 'unpublish appdef_mic_magic']);
});

test('who alters his voice before he is heard sends no moment of the original, and stops all at once', async () => {
  const { publisher, said, open, alter, sends } = mouth();
  await alter(true, true);
  await publisher.start(1, 'one', {});
  assert.deepEqual(said.splice(0), ['publish appdef_mic_magic', 'publish appdef_mic']);
  assert.deepEqual(sends(), { appdef_mic: 'silence', appdef_mic_magic: 'altered one' });
  publisher.stop(1);
  assert.deepEqual(said, ['unpublish appdef_mic', 'unpublish appdef_mic_magic']);
  assert.deepEqual([sends(), open.size], [{}, 0]);
});

test('who is muted is not heard by his altered voice either', async () => {
  const { publisher, said, alter } = mouth();
  await publisher.start(1, 'one', {});
  await alter(true);
  said.length = 0;
  publisher.handleMuted(MediaRef.microphone('me'), true);
  await settled();
  assert.deepEqual(said.splice(0), ['unpublish appdef_mic_magic']);
  publisher.handleMuted(MediaRef.microphone('me'), false);
  await settled();
  assert.deepEqual(said.splice(0), ['publish appdef_mic_magic']);
});

test('a microphone that is stopped while its voice is made anew leaves nothing running', async () => {
  const { publisher, open, alter, sends } = mouth();
  await publisher.start(1, 'one', {});
  const altering = alter(true);
  publisher.stop(1);
  await altering;
  assert.deepEqual([sends(), open.size], [{}, 0]);
});
