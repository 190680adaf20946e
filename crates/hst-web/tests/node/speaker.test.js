import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Speaker } from '../../sdk/speaker.js';
import { dice } from './time.js';

const STEP = 200;
const VOICE = 35;

/** A group whose time is the test's: `hear` lets some ms pass with these volumes, and gives who spoke then. */
function group(step = STEP) {
  const speaker = new Speaker();
  let now = 0;
  return (ms, volumes) => {
    const levels = () =>
      Object.entries(volumes).map(([userId, volume]) => ({ userId, volume: volume instanceof Function ? volume() : volume }));
    const spoke = [];
    for (const end = now + ms; now < end; ) {
      now += step;
      const user = speaker.handle(now, levels());
      if (spoke.at(-1) !== user) spoke.push(user);
    }
    return spoke;
  };
}

test('nobody speaks in a silent room, and whoever begins is the speaker within a second', () => {
  const hear = group();
  assert.deepEqual(hear(5_000, { ann: 0, ben: 7 }), [null]);
  assert.deepEqual(hear(1_000, { ann: VOICE, ben: 7 }), [null, 'ann']);
});

test('a cough makes nobody the speaker, neither in silence nor over somebody else', () => {
  const hear = group();
  assert.deepEqual(hear(2_000, { ann: 0, ben: 0 }), [null]);
  assert.deepEqual(hear(400, { ann: 0, ben: 100 }), [null]);
  assert.deepEqual(hear(2_000, { ann: 0, ben: 0 }), [null]);
  hear(3_000, { ann: VOICE, ben: 0 });
  assert.deepEqual(hear(400, { ann: VOICE, ben: 100 }), ['ann']);
  assert.deepEqual(hear(3_000, { ann: VOICE, ben: 0 }), ['ann']);
});

test('the speaker stays over a pause, and is forgotten after some seconds of silence', () => {
  const hear = group();
  hear(3_000, { ann: VOICE, ben: 0 });
  assert.deepEqual(hear(2_000, { ann: 0, ben: 0 }), ['ann']);
  assert.deepEqual(hear(200, { ann: VOICE, ben: 0 }), ['ann']);
  assert.deepEqual(hear(2_600, { ann: 0, ben: 0 }), ['ann']);
  assert.deepEqual(hear(1_000, { ann: 0, ben: 0 }), ['ann', null]);
});

test('an answer takes over within a second and a half', () => {
  const hear = group();
  hear(3_000, { ann: VOICE, ben: 0 });
  assert.deepEqual(hear(1_400, { ann: 0, ben: VOICE }), ['ann', 'ben']);
});

test('who speaks at the same time takes over only when he is clearly louder for some time', () => {
  const hear = group();
  hear(3_000, { ann: VOICE, ben: 0 });
  assert.deepEqual(hear(10_000, { ann: VOICE, ben: VOICE * 1.1 }), ['ann']);
  assert.deepEqual(hear(1_000, { ann: VOICE, ben: VOICE * 1.5 }), ['ann']);
  assert.deepEqual(hear(5_000, { ann: VOICE, ben: VOICE * 1.5 }), ['ann', 'ben']);
});

test('a speaker who has gone speaks no more', () => {
  const hear = group();
  hear(3_000, { ann: VOICE, ben: VOICE * 0.9 });
  assert.deepEqual(hear(200, { ben: VOICE }), ['ben']);
  assert.deepEqual(hear(200, {}), [null]);
});

test('speech with gaps keeps its turn beside a noisy room', () => {
  const [hear, random] = [group(), dice(1)];
  const speech = () => (random() < 0.65 ? 20 + 30 * random() : 2);
  const noise = () => 9 * random();
  hear(3_000, { ann: speech, ben: noise });
  assert.deepEqual(hear(120_000, { ann: speech, ben: noise, eve: noise }), ['ann']);
});

test('a page that measures once a second finds the speaker too', () => {
  const hear = group(1_000);
  assert.deepEqual(hear(4_000, { ann: VOICE, ben: 0 }), [null, 'ann']);
  assert.deepEqual(hear(5_000, { ann: 0, ben: VOICE }), ['ann', 'ben']);
});
