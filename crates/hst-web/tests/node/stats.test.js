// What of a browser's figures applications are told, and how good a media is by them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Bounds } from '../../sdk/bounds.js';
import { MediaRef, MediaType } from '../../sdk/ids.js';
import { Meter } from '../../sdk/meter.js';
import { qualityOf } from '../../sdk/quality.js';

const TABLE = new URL('../../../hst-quality/tests/table.json', import.meta.url);
const UNBOUND = { isOwn: false, height: 0, frameRate: 0, limitedBy: 'none' };

/** A media whose figures the test sets, in a time of its own. */
function measured(t, media) {
  const house = { now: 0, entries: [], bound: UNBOUND };
  t.mock.method(performance, 'now', () => house.now);
  const peer = { stats: async () => new Map(house.entries.map((entry, at) => [at, entry])) };
  const meter = new Meter(media);
  house.read = (now, ...entries) => {
    Object.assign(house, { now, entries });
    return meter.read(peer, house.bound);
  };
  return house;
}

const arriving = (seconds, more = {}) => ({
  type: 'inbound-rtp',
  kind: 'video',
  bytesReceived: seconds * 62_500,
  packetsReceived: seconds * 95,
  packetsLost: seconds * 5,
  jitter: 0.012,
  frameWidth: 640,
  frameHeight: 480,
  framesPerSecond: 15,
  ...more,
});
const PATH = { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.05 };

test('every row of the table has its score and reason', () => {
  const table = JSON.parse(readFileSync(TABLE, 'utf8'));
  assert.ok(table.length > 40);
  for (const { quality, ...figures } of table) assert.deepEqual(qualityOf(figures), quality, JSON.stringify(figures));
});

test('whatever is measured there is a score from 1 to 5', () => {
  const odd = [0, -1, 0.5, 1e300, NaN, Infinity, -Infinity];
  for (const kind of ['sound', 'camera', 'screen']) {
    for (const one of odd) {
      for (const other of odd) {
        const shares = { frameRate: one, askedFrameRate: other, lossRate: one, frozen: other };
        const { score } = qualityOf({ kind, bitRate: 1, width: 1e9, height: 1, askedHeight: 1e9, jitterMs: 1e9, ...shares });
        assert.ok(score >= 1 && score <= 5, JSON.stringify([score, kind, one, other]));
      }
    }
  }
});

test('a received picture has its rates over the last second, and its losses their price', async (t) => {
  const house = measured(t, new MediaRef('ann', MediaType.VIDEO, 'cam'));
  assert.equal((await house.read(0, arriving(0), PATH)).bitRate, 0);
  const { at, bytes, volume, ...stats } = await house.read(1_000, arriving(1), PATH);
  assert.deepEqual(stats, {
    packets: 95,
    packetsLost: 5,
    jitterMs: 12,
    roundTripMs: 50,
    width: 640,
    height: 480,
    frameRate: 15,
    freezeCount: 0,
    freezeMs: 0,
    layer: null,
    limitedBy: 'none',
    bitRate: 500,
    lossRate: 0.05,
    quality: { score: 4.1, reason: 'loss' },
  });
  const frozen = { freezeCount: 1, totalFreezesDuration: 0.5, packetsLost: 5 };
  const { quality, lossRate, freezeMs } = await house.read(2_000, arriving(2, frozen), PATH);
  assert.deepEqual([quality.reason, lossRate, freezeMs], ['freezes', 0, 500]);
  // Another line counts from zero.
  assert.deepEqual([(await house.read(3_000, arriving(0.1))).bitRate, (await house.read(4_000, arriving(1.1))).bitRate], [0, 500]);
});

test('who asks ten times a second is told the rates of a second', async (t) => {
  const house = measured(t, new MediaRef('ann', MediaType.VIDEO, 'cam'));
  const told = [];
  for (let moment = 0; moment <= 50; moment += 1) {
    // All of a second comes at its beginning.
    told.push((await house.read(moment * 100, arriving(Math.ceil(moment / 10)))).bitRate);
  }
  assert.ok(told.slice(20).every((bitRate) => bitRate >= 250 && bitRate <= 1_000), String(told));
});

test('losses of what is sent are those between two reports, however often it is asked', async (t) => {
  for (const first of [0, 3, 7]) {
    const house = measured(t, MediaRef.own('ben', MediaType.AUDIO, 'mic'));
    house.bound = { ...UNBOUND, isOwn: true };
    const told = [];
    for (let second = first; second <= 40; second += 1) {
      // A hundred packets a second, of which every twentieth is lost for 20 s, as is told every 5 s.
      const packetsLost = 25 * Math.floor(Math.min(second, 20) / 5);
      const sent = { type: 'outbound-rtp', kind: 'audio', bytesSent: second * 5_000, packetsSent: second * 100 };
      const { lossRate } = await house.read(second * 1_000, sent, { type: 'remote-inbound-rtp', kind: 'audio', packetsLost });
      told.push(lossRate);
    }
    const [rises, falls] = [5 - (first % 5), 30 - first];
    const expected = told.map((_, at) => (at >= rises && at < falls ? 0.05 : 0));
    assert.deepEqual(told, expected, `from second ${first}`);
  }
});

test('of encodings side by side the largest that is sent is told, with the browser’s reason for less', async (t) => {
  const house = measured(t, MediaRef.own('ben', MediaType.VIDEO, 'cam'));
  house.bound = { ...UNBOUND, isOwn: true, height: 720, frameRate: 15 };
  const sent = (seconds) => [
    { type: 'outbound-rtp', kind: 'video', rid: 'q', frameHeight: 180, frameWidth: 320, framesPerSecond: 15, bytesSent: seconds * 15_000, packetsSent: seconds * 20 },
    { type: 'outbound-rtp', kind: 'video', rid: 'h', frameHeight: 360, frameWidth: 640, framesPerSecond: 15, bytesSent: seconds * 60_000, packetsSent: seconds * 60, qualityLimitationReason: 'bandwidth' },
    { type: 'outbound-rtp', kind: 'video', rid: 'f', frameHeight: 720, frameWidth: 1280, active: false },
    { type: 'remote-inbound-rtp', kind: 'video', packetsLost: seconds * 4, jitter: 0.004, roundTripTime: 0.08 },
    PATH,
  ];
  await house.read(0, ...sent(0));
  const { layer, height, bitRate, lossRate, roundTripMs, limitedBy, quality } = await house.read(1_000, ...sent(1));
  assert.deepEqual(
    [layer, height, bitRate, lossRate, roundTripMs, limitedBy, quality.reason],
    ['h', 360, 600, 0.05, 80, 'bandwidth', 'loss'],
  );
  house.bound = { ...house.bound, limitedBy: 'muted' };
  assert.equal((await house.read(2_000, ...sent(2))).quality, null, 'what is muted has no score');
});

test('what bounds a media is known from both ends', () => {
  const track = { getSettings: () => ({ height: 720 }) };
  const want = { way: 'send', track, wanted: Infinity, frameRate: 15 };
  const peer = { wantOf: () => want };
  const [muted, asked] = [new Set(), new Map()];
  const has = (media) => muted.has(media.key ?? media);
  const parts = { publisher: { isMuted: has }, roster: { isMuted: has }, views: { asked: (media) => asked.get(media.key) ?? Infinity } };
  const bounds = new Bounds({ self: 'ben', peer }, parts);
  const [own, other] = [MediaRef.own('ben', MediaType.VIDEO, 'cam'), new MediaRef('ann', MediaType.VIDEO, 'cam')];
  const of = (media) => [bounds.of(media).height, bounds.of(media).limitedBy];

  assert.deepEqual([of(own), of(other)], [[720, 'none'], [0, 'none']]);
  want.wanted = 180;
  asked.set(other.key, 180);
  assert.deepEqual([of(own), of(other)], [[180, 'view'], [0, 'view']]);
  bounds.handleStarved(other, true);
  assert.deepEqual(of(other), [0, 'bandwidth']);
  bounds.handleStarved(other, false);
  assert.deepEqual(of(other), [0, 'view']);
  for (const media of [own, other]) muted.add(media.key);
  assert.deepEqual([of(own)[1], of(other)[1]], ['muted', 'muted']);
});
