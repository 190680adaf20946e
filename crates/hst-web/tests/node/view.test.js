import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodings, newEncodings, scaleFor } from '../../sdk/encodings.js';
import { Line } from '../../sdk/line.js';
import { shownHeight } from '../../sdk/look.js';
import { View } from '../../sdk/view.js';
import { Views } from '../../sdk/views.js';
import { MediaRef } from '../../sdk/ids.js';
import { VirtualClock, dice } from './time.js';

/** A picture that flows, with a time of its own; `show` shows it in another size, and gives what was asked for by then. */
function house(isReady = true) {
  const [clock, asked] = [new VirtualClock(), []];
  const signal = { isReady, request: async ({ view }) => asked.push([clock.now(), view.height]) };
  let shown = Infinity;
  const views = new Views({ clock, signal, renderer: { shownHeight: () => shown } });
  views.begin(new MediaRef('ann', 2, 'cam'));
  const show = (height) => {
    shown = height;
    views.refresh();
  };
  return { clock, asked, signal, views, show };
}

test('a picture is asked for as it is shown: less when that lasts, more soon, and at once when it is seen again', async () => {
  const { clock, asked, show } = house();
  show(360);
  await clock.pass(1_999);
  assert.deepEqual(asked, []);
  await clock.pass(8_001);
  show(720.4);
  await clock.pass(10_000);
  show(0);
  await clock.pass(10_000);
  show(90);
  await clock.pass(10_000);
  show(Infinity);
  await clock.pass(10_000);
  assert.deepEqual(asked, [
    [2_000, 360],
    [10_200, 721],
    [21_000, 0],
    [30_000, 90],
    [40_200, undefined],
  ]);
});

test('what is hidden or small for a moment, or a little smaller for ever, asks for nothing', async () => {
  const { clock, asked, show } = house();
  show(400);
  await clock.pass(10_000);
  asked.length = 0;
  for (const moment of [0, 100, 0, 900]) {
    show(moment);
    await clock.pass(150);
    show(400);
    await clock.pass(150);
  }
  show(330);
  await clock.pass(60_000);
  assert.deepEqual(asked, []);
});

test('a window that is resized all the time asks at most five times a second, and rightly in the end', async () => {
  const { clock, asked, show } = house();
  const random = dice(1);
  for (let moment = 0; moment < 6_000; moment += 1) {
    show(Math.ceil(random() * 1_000));
    await clock.pass(10);
  }
  show(500);
  await clock.pass(10_000);
  assert.ok(asked.length <= 5 * 60, `${asked.length} times`);
  const last = asked.at(-1)[1];
  assert.ok(last >= 500 && last <= 625, `${last} for 500`);
});

test('nothing is asked for while the connection is away, and what was put off is when it is back', async () => {
  const { clock, asked, signal, show, views } = house(false);
  show(0);
  await clock.pass(10_000);
  assert.deepEqual(asked, []);
  signal.isReady = true;
  views.refresh();
  await clock.pass(10_000);
  assert.deepEqual(asked, [[11_000, 0]]);
});

test('an element that does not tell changes nothing, and what is received anew begins with all', async () => {
  const { clock, asked, show, views } = house();
  show(100);
  await clock.pass(5_000);
  show(null);
  await clock.pass(5_000);
  assert.equal(asked.length, 1);
  views.clear();
  show(200);
  await clock.pass(5_000);
  assert.equal(asked.length, 1, 'it does not flow yet');
  views.begin(new MediaRef('ann', 1, 'appdef_mic'));
  views.begin(new MediaRef('ann', 2, 'cam'));
  await clock.pass(5_000);
  assert.deepEqual(asked.at(-1), [17_000, 200]);
});

test('what waits goes on from where it began to wait', () => {
  const view = new View();
  assert.equal(view.handle(0, 100), 2_000);
  assert.equal(view.handle(1_500, 120), 500);
  assert.equal(view.asked, Infinity);
  assert.equal(view.handle(2_000, 110), null);
  assert.equal(view.asked, 110);
});

test('a picture is as high as its element lets it be', () => {
  const [wide, tall] = [
    { width: 1280, height: 720 },
    { width: 720, height: 1280 },
  ];
  const square = { width: 300, height: 300 };
  assert.equal(shownHeight(square, wide, 'contain'), 168.75);
  assert.equal(shownHeight(square, wide, 'cover'), 300);
  assert.equal(shownHeight(square, tall, 'contain'), 300);
  assert.equal(Math.round(shownHeight(square, tall, 'cover')), 533);
  assert.equal(shownHeight(square, wide, 'none'), Infinity);
});

test('a publisher scales by the step that still covers what is wanted', () => {
  const scales = [Infinity, 720, 500, 390, 360, 210, 190, 1, 0].map((wanted) => scaleFor(wanted, 720));
  assert.deepEqual(scales, [1, 1, 1, 2, 2, 2, 4, 4, 4]);
  assert.equal(scaleFor(90), 1, 'of an unknown height');
});

test('a camera is sent in as many encodings as its height and its bits are good for, a screen in one', () => {
  const scales = (height, kbps, type = 2, codec = 'VP8') => {
    const track = { contentHint: '', getSettings: () => ({ width: (height * 16) / 9, height }) };
    const want = { media: new MediaRef('me', type, 'm'), way: 'send', track, wanted: Infinity, kbps, codec };
    return newEncodings(want).map(({ rid = '', scaleResolutionDownBy }) => `${rid}${scaleResolutionDownBy}`);
  };
  assert.deepEqual(scales(720, 1400), ['q4', 'h2', 'f1']);
  assert.deepEqual(scales(720, 700), ['1']);
  assert.deepEqual(scales(540, 700), ['q4', 'h2', 'f1']);
  assert.deepEqual(scales(480, 500), ['h2', 'f1'], 'of three Chromium would leave out the largest');
  assert.deepEqual(scales(360, 500), ['h2', 'f1']);
  assert.deepEqual(scales(180, 500), ['1']);
  assert.deepEqual(scales(undefined, 500), ['1']);
  assert.deepEqual(scales(1080, 3000, 0), ['1']);
  assert.deepEqual(scales(720, 1400, 2, 'AV1'), ['q4', 'h2', 'f1']);
  assert.deepEqual(scales(720, 1400, 2, 'VP9'), ['1'], 'its layers are in one stream');
});

test('encodings are sent while they are of use to somebody and no larger than anybody wants', () => {
  const track = { contentHint: '', getSettings: () => ({ width: 1280, height: 720 }) };
  const sent = (wanted, rids = null, count = 3, kbps = 1400) => {
    const want = { media: new MediaRef('me', 2, 'm'), way: 'send', track, wanted, rids, kbps };
    const active = encodings(want, count).filter(({ active }) => active);
    return active.map(({ rid }) => rid).join('');
  };
  assert.equal(sent(Infinity), 'qhf', 'before the server says anything');
  assert.equal(sent(360), 'qh');
  assert.equal(sent(100), 'q');
  assert.equal(sent(Infinity, ['f']), 'f');
  assert.equal(sent(Infinity, ['f'], 3, 700), 'qf', 'a large one with few bits is not sent alone');
  assert.equal(sent(0), '');
  assert.equal(sent(Infinity, ['q', 'f']), 'qf');
  assert.equal(sent(360, ['q', 'f']), 'q');
  assert.equal(sent(360, ['f']), 'h', 'nobody is left without a picture');
  assert.equal(sent(Infinity, ['q'], 2), 'f', 'of a line that has no such one');
  assert.equal(sent(Infinity, ['h'], 2), 'h');
});

test('a camera is sent as small as it is wanted, a screen as it is, and neither when nobody wants it', async () => {
  let encoding = {};
  const sender = {
    getParameters: () => ({ encodings: [{}] }),
    setParameters: async ({ encodings }) => (encoding = encodings[0]),
  };
  const pc = { addTransceiver: () => ({ sender }) };
  const track = { contentHint: '', getSettings: () => ({ height: 480 }) };
  const sent = async (type, wanted) => {
    const want = { media: new MediaRef('me', type, 'm'), way: 'send', track, wanted, kbps: 800, frameRate: 15 };
    await Line.for(pc, want).limit();
    const { active, scaleResolutionDownBy, maxBitrate } = encoding;
    return [active, scaleResolutionDownBy, Math.round(maxBitrate / 1000)];
  };
  assert.deepEqual(await sent(2, Infinity), [true, 1, 800]);
  assert.deepEqual(await sent(2, 240), [true, 2, 283]);
  assert.deepEqual(await sent(2, 100), [true, 4, 100]);
  assert.deepEqual(await sent(0, 100), [true, 1, 800]);
  for (const type of [0, 2]) assert.equal((await sent(type, 0))[0], false);
});
