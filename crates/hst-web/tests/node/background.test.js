// What goes on in a tab that the user does not see, where browsers let the timers of a page run ever more rarely.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { browse } from './browser.js';
import { dice } from './time.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** The server takes a client for dead that was silent for so long. */
const PEER_TIMEOUT = 15 * SECOND;

/**
 * An engine in a group, in a tab whose timers come due with the beat of `pace` only.
 * @param {boolean} mayWork whether the page may have workers, whose timers are not slowed down
 */
async function tab(pace, mayWork) {
  const world = await browse(dice(1));
  const { clock, server, HstRtcEngine } = world;
  const late = (run, ms = 0) => clock.after(Math.ceil((clock.now() + ms) / pace) * pace - clock.now(), run);
  globalThis.setTimeout = late;
  globalThis.clearTimeout = (cancel) => cancel?.();
  globalThis.Worker = class {
    constructor() {
      if (!mayWork) throw new Error('the policy of the page forbids it');
    }
    postMessage([id, ms]) {
      clock.after(ms, () => this.onmessage?.({ data: id }));
    }
    terminate() {
      this.onmessage = null;
    }
  };
  const engine = new HstRtcEngine();
  const told = [];
  for (const name of ['onReconnecting', 'onReconnected', 'onDiscontinuity', 'onError']) {
    engine.on(name, () => told.push([name, clock.now()]));
  }
  const end = async (promise) => {
    await clock.pass(2 * MINUTE);
    return promise;
  };
  await end(engine.init('http://server'));
  await end(engine.login({ appId: 'app', token: 'token', userId: 'me' }));
  await end(engine.joinGroup('group'));
  /** The page is closed: the next one has timers of its own. */
  const close = () => {
    engine.destroy();
    return clock.pass(2 * MINUTE);
  };
  return { ...world, engine, told, close };
}

/** The longest silence that the server hears within so many ms. */
async function longestSilence({ clock, server }, ms) {
  const [wire] = server.wires;
  const { onFrame } = wire;
  const times = [clock.now()];
  wire.onFrame = (text) => {
    times.push(clock.now());
    onFrame(text);
  };
  await clock.pass(ms);
  times.push(clock.now());
  return Math.max(...times.slice(1).map((time, index) => time - times[index]));
}

test('a tab whose timers run once a minute keeps its session for an hour', async () => {
  const world = await tab(MINUTE, true);
  const silence = await longestSilence(world, 60 * MINUTE);
  assert.ok(silence <= 6 * SECOND, `the server heard nothing for ${silence} ms`);
  assert.deepEqual(world.told, []);
  await world.close();
});

test('a lost connection comes back in such a tab as soon as elsewhere', async () => {
  const world = await tab(MINUTE, true);
  const { clock, server, told } = world;
  const cut = clock.now();
  [...server.wires][0].cut();
  await clock.pass(MINUTE);
  assert.deepEqual(
    told.map(([name]) => name),
    ['onReconnecting', 'onReconnected'],
  );
  assert.ok(told[1][1] - cut < 2 * SECOND, `after ${told[1][1] - cut} ms`);
  await world.close();
});

test('media that are interrupted look for another way in such a tab as soon as elsewhere', async () => {
  const world = await tab(MINUTE, true);
  const { clock, engine, peers, server } = world;
  engine.startPublishMedia(1, null);
  await clock.pass(MINUTE);
  const offers = () => server.done.filter(([name]) => name === 'offer').length;
  const before = offers();
  assert.ok(before > 0, JSON.stringify(server.done));
  const peer = peers.at(-1);
  peer.connectionState = 'disconnected';
  peer.onconnectionstatechange();
  await clock.pass(6 * SECOND);
  assert.equal(offers(), before + 1);
  await world.close();
});

test('where a page may have no workers its session lasts as long as its timers run once a second', async () => {
  const world = await tab(SECOND, false);
  const silence = await longestSilence(world, 60 * MINUTE);
  assert.ok(silence < PEER_TIMEOUT, `the server heard nothing for ${silence} ms`);
  assert.deepEqual(world.told, []);
  await world.close();
});
