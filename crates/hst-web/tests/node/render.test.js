import assert from 'node:assert/strict';
import { test } from 'node:test';

// Elements and streams by hand; what may play is up to the test.
let mayPlay = true;
const gestures = new Set();
class Element {
  srcObject = null;
  sinkId = '';
  isPlaying = false;
  async play() {
    if (!mayPlay) throw Object.assign(new Error('no gesture'), { name: 'NotAllowedError' });
    this.isPlaying = true;
  }
  async setSinkId(speaker) {
    if (speaker === 'broken') throw new Error(speaker);
    this.sinkId = speaker;
  }
  get tracks() {
    return this.srcObject?.getTracks().map(({ name }) => name) ?? [];
  }
}
class Stream {
  #tracks = new Set();
  id = 'stream';
  getTracks = () => [...this.#tracks];
  getAudioTracks = () => this.getTracks().filter(({ kind }) => kind === 'audio');
  addTrack = (track) => this.#tracks.add(track);
  removeTrack = (track) => this.#tracks.delete(track);
}
Object.assign(globalThis, {
  HTMLMediaElement: Element,
  MediaStream: Stream,
  addEventListener: (_type, run) => gestures.add(run),
  removeEventListener: (_type, run) => gestures.delete(run),
});
const { MediaRef } = await import('../../sdk/ids.js');
const { Receiver } = await import('../../sdk/receive.js');
const { Renderer } = await import('../../sdk/render.js');

const [CAM, MIC] = [new MediaRef('ann', 2, 'cam'), new MediaRef('ann', 1, 'appdef_mic')];
const track = (name, kind = 'video') => ({ name, kind });
const settled = () => new Promise(setImmediate);

test('what the browser does not let play begins with the next gesture of the user', async () => {
  const [renderer, shown, gone] = [new Renderer(), new Element(), new Element()];
  mayPlay = false;
  renderer.setTrack(CAM, track('cam'));
  renderer.bind(CAM, shown);
  renderer.bind(CAM, gone);
  await settled();
  assert.equal(shown.isPlaying, false);
  renderer.unbind(gone);
  await settled();
  mayPlay = true;
  for (const run of [...gestures]) run();
  await settled();
  assert.deepEqual([shown.isPlaying, gone.isPlaying], [true, false]);
  assert.equal(gestures.size, 0);
});

test('a stream is rendered once, whichever of its media comes first', () => {
  const [renderer, element] = [new Renderer(), new Element()];
  renderer.setTrack(MIC, track('mic', 'audio'), 's');
  renderer.bindStream('ann', 's', element);
  assert.deepEqual(element.tracks, ['mic']);
  renderer.setTrack(CAM, track('cam'), 's');
  renderer.setTrack(new MediaRef('ann', 2, 'other'), track('other'), 't');
  assert.deepEqual(element.tracks.sort(), ['cam', 'mic']);
  renderer.setTrack(MIC, null);
  assert.deepEqual(element.tracks, ['cam']);
  renderer.bindStream('ann', 't', element);
  assert.deepEqual(element.tracks, ['other']);
  renderer.unbind(element);
  assert.equal(element.srcObject, null);
});

test('the sound of a screen plays where the screen is shown, and the voice elsewhere', () => {
  const [renderer, person, screen] = [new Renderer(), new Element(), new Element()];
  const [picture, sound] = [new MediaRef('ann', 0, '0'), MediaRef.screenSound('ann')];
  renderer.setTrack(sound, track('sound', 'audio'));
  renderer.setTrack(MIC, track('mic', 'audio'));
  renderer.setTrack(picture, track('screen'));
  renderer.bind(CAM, person);
  assert.deepEqual(person.tracks, ['mic']);
  renderer.bind(picture, screen);
  assert.deepEqual(screen.tracks.sort(), ['screen', 'sound']);
  assert.deepEqual(person.tracks, ['mic']);
});

test('a chosen speaker is that of every element with a sound, until it is pulled out', async () => {
  const [renderer, now, later] = [new Renderer(), new Element(), new Element()];
  renderer.setTrack(MIC, track('mic', 'audio'));
  renderer.bind(MIC, now);
  await renderer.setSpeaker('hall');
  renderer.bind(MIC, later);
  renderer.unbind(now);
  assert.deepEqual([now.sinkId, later.sinkId], ['hall', 'hall']);
  renderer.handleSpeakers(['hall', 'desk']);
  assert.equal(later.sinkId, 'hall');
  renderer.handleSpeakers(['desk']);
  assert.equal(later.sinkId, '');
  await assert.rejects(renderer.setSpeaker('broken'), { code: 4 });
});

test('after a new transport an element goes on without a word, and only what nobody shows is told again', async () => {
  const [renderer, element, told, wants] = [new Renderer(), new Element(), [], []];
  const group = {
    self: 'me',
    renderer,
    voice: { mode: 0 },
    signal: { request: async () => {} },
    peer: { want: (want) => wants.push(want), unwant: () => {} },
    emit: (name, { mediaId }) => told.push([name, mediaId]),
  };
  const receiver = new Receiver(group, { begin() {}, end() {}, clear() {} });
  receiver.start('ann', 2, 'cam');
  receiver.start('ann', 1, 'appdef_mic');
  const flow = (generation) => {
    for (const { media, onFlow } of wants.splice(0)) onFlow(track(`${media.media} ${generation}`, media.kind));
  };
  flow(1);
  assert.deepEqual(told.splice(0), [
    ['onRemoteMediaAdd', 'cam'],
    ['onRemoteMediaAdd', 'appdef_mic'],
  ]);
  renderer.bind(CAM, element);
  await settled();
  receiver.restore();
  flow(2);
  assert.deepEqual(element.tracks.sort(), ['appdef_mic 2', 'cam 2']);
  assert.deepEqual(told, []);
  renderer.unbind(element);
  await settled();
  receiver.restore();
  flow(3);
  assert.equal(told.length, 2);
});
