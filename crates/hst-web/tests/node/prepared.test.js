// The media connection that is made before a group is joined.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { browse } from './browser.js';
import { dice } from './time.js';

const SECOND = 1_000;
const LOGIN = { appId: 'app', token: 'token', userId: 'me' };

/** An engine that is logged in, and a group with a picture. */
async function house() {
  const world = await browse(dice(1));
  const { clock, server, HstRtcEngine } = world;
  const engine = new HstRtcEngine();
  const errors = [];
  engine.on('onError', (error) => errors.push(error));
  engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
  /** Lets a call end. */
  const end = async (promise, ms = SECOND) => {
    const outcome = promise.then(
      () => 0,
      ({ code }) => code,
    );
    await clock.pass(ms);
    return outcome;
  };
  await end(engine.init('http://server'));
  await end(engine.login(LOGIN));
  server.town.enter('ann');
  server.town.publish('ann', 'cam');
  /** What was asked of the server about media, in its order. */
  const asked = () =>
    server.done.flatMap(([name, { group, lines }]) => {
      if (name === 'prepare' || name === 'join') return [`${name} ${group}`];
      return name === 'offer' ? [`offer of ${lines.length}`] : [];
    });
  return { ...world, engine, errors, end, asked };
}

/** How the peer connections stand. */
const states = (peers) => peers.map(({ connectionState }) => connectionState);

test('who has prepared receives over the same connection, which was there before he joined', async () => {
  for (const listens of [true, false]) {
    const { engine, errors, end, peers, asked } = await house();
    if (listens) engine.on('onRemoteMediaAdd', () => {});
    assert.equal(await end(engine.prepareGroup('g')), 0);
    assert.deepEqual(states(peers), ['connected']);
    assert.equal(await end(engine.prepareGroup('g')), 0, 'a second time does nothing');
    assert.equal(await end(engine.joinGroup('g')), 0);
    assert.deepEqual(states(peers), ['connected']);
    assert.deepEqual(asked(), ['prepare g', 'join g', 'offer of 1']);
    await end(engine.leaveGroup());
    assert.deepEqual(states(peers), ['closed']);
    assert.deepEqual(errors, []);
    engine.destroy();
  }
});

test('who joins before it is there goes on with it', async () => {
  const { engine, end, peers, asked } = await house();
  engine.prepareGroup('g');
  assert.equal(await end(engine.joinGroup('g')), 0);
  assert.deepEqual(states(peers), ['connected']);
  assert.equal(asked().filter((name) => name === 'join g').length, 1);
  assert.equal(asked().at(-1), 'offer of 1');
  engine.destroy();
});

test('another group takes it back, whether that is prepared or joined', async () => {
  const { engine, end, peers, asked } = await house();
  await end(engine.prepareGroup('f'));
  await end(engine.prepareGroup('e'));
  assert.deepEqual(states(peers), ['closed', 'connected']);
  assert.equal(await end(engine.joinGroup('g')), 0);
  assert.deepEqual(states(peers), ['closed', 'closed', 'connected']);
  assert.deepEqual(asked(), ['prepare f', 'prepare e', 'join g', 'offer of 1']);
  engine.destroy();
});

test('it may be asked for where a group may be joined', async () => {
  const { engine, end, peers, HstRtcEngine } = await house();
  assert.equal(await end(new HstRtcEngine().prepareGroup('g')), 2);
  assert.equal(await end(engine.prepareGroup('a b')), 1);
  const joined = engine.joinGroup('g');
  assert.equal(await end(engine.prepareGroup('g')), 2, 'while joining');
  await joined;
  assert.equal(await end(engine.prepareGroup('f')), 2, 'in a group');
  const left = engine.leaveGroup();
  assert.equal(await end(engine.prepareGroup('g')), 0, 'while leaving');
  await left;
  assert.deepEqual(states(peers), ['closed', 'connected']);
  await end(engine.exit());
  assert.deepEqual(states(peers), ['closed', 'closed']);
  assert.equal(await end(engine.prepareGroup('g')), 35);
  engine.destroy();
});

test('what cannot be prepared is told by nobody, and the group is joined as ever', async () => {
  const { server, engine, errors, end, peers } = await house();
  server.refuse = (name) => (name === 'prepare' ? 1000103 : null);
  assert.equal(await end(engine.prepareGroup('g')), 0);
  assert.deepEqual(states(peers), ['closed']);
  assert.equal(await end(engine.joinGroup('g')), 0);
  assert.deepEqual(states(peers), ['closed', 'connected']);
  assert.deepEqual(errors, []);
  engine.destroy();
});

test('a refused join ends it', async () => {
  const { server, engine, end, peers } = await house();
  await end(engine.prepareGroup('g'));
  server.refuse = (name) => (name === 'join' ? 1000103 : null);
  assert.equal(await end(engine.joinGroup('g')), 1000103);
  assert.deepEqual(states(peers), ['closed']);
  engine.destroy();
});

test('after a lost connection it is made anew: it may lead to a node, a session or a network of before', async () => {
  for (const isForgotten of [false, true]) {
    const { server, engine, errors, end, peers, asked } = await house();
    await end(engine.prepareGroup('g'));
    if (isForgotten) for (const session of [...server.sessions.values()]) session.end();
    else [...server.wires][0].cut();
    await end(Promise.resolve(), 20 * SECOND);
    assert.deepEqual(states(peers), ['closed', 'connected']);
    assert.equal(await end(engine.joinGroup('g')), 0);
    assert.deepEqual(states(peers), ['closed', 'connected']);
    assert.deepEqual(asked(), ['prepare g', 'prepare g', 'join g', 'offer of 1']);
    assert.deepEqual(errors, []);
    engine.destroy();
  }
});

test('who joins while the connection is lost does so without it', async () => {
  for (const isForgotten of [false, true]) {
    const { server, engine, errors, end, peers, asked } = await house();
    await end(engine.prepareGroup('g'));
    server.accepts = false;
    if (isForgotten) for (const session of [...server.sessions.values()]) session.end();
    else [...server.wires][0].cut();
    await end(Promise.resolve());
    const joined = engine.joinGroup('g');
    server.accepts = true;
    assert.equal(await end(joined, 20 * SECOND), 0);
    assert.deepEqual(states(peers), ['closed', 'connected']);
    assert.deepEqual(asked(), ['prepare g', 'join g', 'offer of 1']);
    assert.deepEqual(errors, []);
    engine.destroy();
  }
});

test('a join whose answer is lost with the session goes on with a connection of the new one', async () => {
  const { clock, server, engine, end, peers } = await house();
  await end(engine.prepareGroup('g'));
  const joined = end(engine.joinGroup('g'), 0);
  const [session] = [...server.sessions.values()];
  while (!session.isInGroup) await clock.pass(1);
  session.end();
  await clock.pass(20 * SECOND);
  assert.equal(await joined, 0);
  assert.deepEqual(states(peers), ['closed', 'connected']);
  engine.destroy();
});
