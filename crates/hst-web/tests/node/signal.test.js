import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Dialer } from '../../sdk/dial.js';
import { parseLogin } from '../../sdk/requests.js';
import { Signal } from '../../sdk/signal.js';
import { Server } from './server.js';
import { VirtualClock, dice, forSeeds } from './time.js';

const LOGIN = parseLogin({ appId: 'app', token: 'token', userId: 'me' });
const SECOND = 1_000;

/** A client that is logged in, and what it hears. */
async function house(random = dice(1)) {
  const clock = new VirtualClock();
  const server = new Server(clock, random);
  const signal = new Signal(LOGIN, new Dialer(['a'], clock, (url, abort) => server.open(url, abort)), clock, random);
  const heard = [];
  signal.onEvent = (_name, fields) => heard.push(fields);
  const turns = [];
  signal.onAway = () => turns.push('away');
  signal.onBack = (how) => turns.push(how);
  signal.onLost = ({ code, serverCode }) => turns.push([code, serverCode]);
  const login = signal.login();
  await clock.pass(SECOND);
  await login;
  const wire = () => [...server.wires][0];
  const send = (number) => signal.request({ user_message: { number } });
  return { clock, server, signal, heard, turns, wire, send };
}

const codeOf = (promise) =>
  promise.then(
    () => 0,
    ({ code }) => code,
  );
const numbers = (list) => list.map(([, { number }]) => number);

test('what is asked while the connection is away is carried out when it is back, once', async () => {
  const { clock, server, turns, wire, send, heard } = await house();
  wire().cut();
  const replies = [send(1), send(2)];
  server.tell({ user_message: { number: 1 } });
  await clock.pass(SECOND);
  assert.deepEqual(turns, ['away', 'resumed']);
  await Promise.all(replies);
  assert.deepEqual(numbers(server.done), [1, 2]);
  assert.deepEqual(heard, [{ number: 1 }]);
});

test('a storm of cuts loses nothing, doubles nothing and keeps the order at both ends', async () => {
  await forSeeds(20, async (random) => {
    const { clock, server, signal, heard, turns, wire, send } = await house(random);
    const replies = [];
    let told = 0;
    for (let step = 0; step < 400; step += 1) {
      await clock.pass(random() * SECOND);
      const dart = random();
      if (dart < 0.4) replies.push(send(replies.length));
      else if (dart < 0.8) server.tell({ user_message: { number: told++ } });
      else if (dart < 0.9) wire()?.cut();
      else if (dart < 0.92) wire()?.block();
      else if (dart < 0.95) server.accepts = random() < 0.5 ? false : null;
      else server.accepts = true;
      // Nobody stays away for so long that the session ends.
      if (step % 40 === 39) {
        server.accepts = true;
        await clock.pass(30 * SECOND);
      }
    }
    const outcomes = await Promise.all(replies);
    assert.equal(outcomes.length, replies.length);
    const sent = replies.map((_, index) => index);
    assert.deepEqual(numbers(server.done), sent);
    assert.equal(server.repeats, 0);
    assert.deepEqual(
      heard.map(({ number }) => number),
      Array.from({ length: told }, (_, index) => index),
    );
    assert.ok(!turns.includes('login') && turns.filter((turn) => turn === 'resumed').length > 10);
    signal.close();
  });
});

test('a silent connection is given up after 15 s, and after 3 s when the network has changed', async () => {
  const { clock, signal, turns, wire } = await house();
  wire().block();
  await clock.pass(13 * SECOND);
  assert.deepEqual(turns, []);
  await clock.pass(3 * SECOND);
  assert.deepEqual(turns, ['away', 'resumed']);
  wire().block();
  await clock.pass(SECOND);
  signal.networkChanged();
  await clock.pass(3.5 * SECOND);
  assert.deepEqual(turns, ['away', 'resumed', 'away', 'resumed']);
});

test('when the server at one address has fallen mute, another one is there within 3 s', async () => {
  const clock = new VirtualClock();
  const server = new Server(clock, dice(1));
  let mute = '';
  const open = async (url, abort) =>
    url === mute ? { send() {}, close() {}, onmessage: null, onclose: null } : server.open(url, abort);
  const signal = new Signal(LOGIN, new Dialer(['a', 'b'], clock, open), clock, dice(1));
  const turns = [];
  signal.onBack = (how) => turns.push(how);
  const login = signal.login();
  await clock.pass(SECOND);
  await login;
  mute = 'a';
  [...server.wires][0].cut();
  await clock.pass(3 * SECOND);
  assert.deepEqual(turns, ['resumed']);
  signal.close();
});

test('a session that is gone is followed by a new one, and what was under way has an unknown outcome', async () => {
  const { clock, server, signal, turns, wire, send } = await house();
  server.accepts = false;
  const underWay = codeOf(send(1));
  wire().cut();
  const waiting = codeOf(send(2));
  signal.onRestore = () => signal.request({ join: { group: 'g' } });
  await clock.pass(61 * SECOND);
  server.accepts = true;
  await clock.pass(11 * SECOND);
  assert.deepEqual(turns, ['away', 'login']);
  assert.equal(await underWay, 302);
  assert.equal(await waiting, 0);
  assert.deepEqual(
    server.done.map(([name]) => name),
    ['join', 'user_message'],
  );
});

test('a login whose answer was lost stands in the way of the next one until its session is over', async () => {
  const { clock, server, turns, wire } = await house();
  server.sessions.clear();
  const CONFLICT = 1000008;
  let logins = 0;
  server.judge = () => {
    logins += 1;
    // The first one is let in, and the connection is lost before it is told.
    if (logins === 1) [...server.wires].at(-1).cut();
    return logins < 5 ? CONFLICT : null;
  };
  wire().cut();
  await clock.pass(80 * SECOND);
  assert.deepEqual(turns, ['away', 'login']);
  assert.equal(logins, 5);

  // Where no answer was lost, somebody else has the place.
  server.sessions.clear();
  server.judge = () => CONFLICT;
  wire().cut();
  await clock.pass(80 * SECOND);
  assert.deepEqual(turns.slice(2), ['away', [34, CONFLICT]]);
});

test('when frames were lost it says so, and goes on with the same session', async () => {
  const { clock, server, heard, turns, wire } = await house();
  server.maxKept = 3;
  wire().cut();
  for (let number = 0; number < 5; number += 1) server.tell({ user_message: { number } });
  await clock.pass(SECOND);
  assert.deepEqual(turns, ['away', 'missed']);
  assert.deepEqual(heard, []);
  server.tell({ user_message: { number: 9 } });
  await clock.pass(SECOND);
  assert.deepEqual(heard, [{ number: 9 }]);
});

test('after the end of a session only a busy or slow-read server is asked again, and not before it wants', async () => {
  for (const code of [30, 1000109]) {
    const { clock, server, turns } = await house();
    server.tell({ ended: { code, message: 'later', retry_after: 20 * SECOND } });
    await clock.pass(19 * SECOND);
    assert.deepEqual(turns, ['away']);
    await clock.pass(2 * SECOND);
    assert.deepEqual(turns, ['away', 'login']);
  }
  for (const [code, engineCode] of [
    [1000008, 34],
    [1000104, 1000104],
    [1000106, 32],
    [301, 301],
  ]) {
    const { clock, server, signal, turns } = await house();
    server.tell({ ended: { code, message: 'over' } });
    await clock.pass(100 * SECOND);
    assert.deepEqual(turns, [[engineCode, code]]);
    assert.equal(await codeOf(signal.request({ leave: {} })), 30);
  }
});

test('a new session uses the newest token, and one that is refused ends it all', async () => {
  const { clock, server, signal, turns, wire } = await house();
  const tokens = [];
  server.accepts = false;
  wire().cut();
  const renewed = signal.renew('newer');
  await clock.pass(61 * SECOND);
  server.judge = ({ token, force, previous }) => {
    tokens.push([token, force, typeof previous?.secret]);
    return tokens.length === 1 ? null : 1000000;
  };
  server.accepts = true;
  await clock.pass(11 * SECOND);
  await renewed;
  assert.deepEqual(tokens, [['newer', false, 'string']], 'its own earlier place, and nobody else\'s');
  server.tell({ ended: { code: 30, message: 'later' } });
  await clock.pass(11 * SECOND);
  assert.deepEqual(turns, ['away', 'login', 'away', [32, 1000000]]);
});

test('what is worthless later is dropped while the connection is away', async () => {
  const { clock, server, signal, wire } = await house();
  wire().cut();
  assert.equal(await codeOf(signal.request({ message: { number: 1 } }, { isFleeting: true })), 0);
  await clock.pass(SECOND);
  const sent = signal.request({ message: { number: 2 } }, { isFleeting: true });
  await clock.pass(SECOND);
  await sent;
  assert.deepEqual(numbers(server.done), [2]);
});

test('taking leave ends the session at the server, also out of an absence, and never takes longer than 3 s', async () => {
  for (const away of [false, true]) {
    const { clock, server, signal, wire, send } = await house();
    if (away) wire().cut();
    const reply = codeOf(send(1));
    let isGone = false;
    signal.farewell('exit').then(() => (isGone = true));
    assert.equal(await reply, 2);
    await clock.pass(SECOND);
    assert.ok(isGone);
    assert.equal(server.sessions.size, 0);
  }
  const { clock, server, signal, wire } = await house();
  server.accepts = false;
  wire().cut();
  let isGone = false;
  signal.farewell('exit').then(() => (isGone = true));
  await clock.pass(2.9 * SECOND);
  assert.ok(!isGone);
  await clock.pass(0.2 * SECOND);
  assert.ok(isGone);
});

test('leave that is taken during a login follows it, and the login fails', async () => {
  const clock = new VirtualClock();
  const server = new Server(clock, dice(1));
  for (const after of [0, 10, 30, 60]) {
    const signal = new Signal(LOGIN, new Dialer(['a'], clock, (url, abort) => server.open(url, abort)), clock);
    const login = codeOf(signal.login());
    await clock.pass(after);
    const gone = signal.farewell('destroy');
    await clock.pass(4 * SECOND);
    await gone;
    assert.ok([0, 30].includes(await login));
    assert.equal(server.sessions.size, 0, `after ${after} ms`);
  }
});

test('when the gateway dies the next one is reached within 3 s, and is preferred from then on', async () => {
  await forSeeds(20, async (random) => {
    const clock = new VirtualClock();
    const gateways = { a: new Server(clock, random), b: new Server(clock, random) };
    const opened = [];
    const open = (url, abort) => {
      opened.push(url);
      return gateways[url].open(url, abort);
    };
    const signal = new Signal(LOGIN, new Dialer(['a', 'b'], clock, open), clock, random);
    const turns = [];
    signal.onBack = (how) => turns.push([how, clock.now()]);
    const login = signal.login();
    await clock.pass(SECOND);
    await login;

    const { a } = gateways;
    // It refuses whoever comes, or does not answer at all.
    a.accepts = random() < 0.5 ? false : null;
    const died = clock.now();
    for (const wire of a.wires) wire.cut();
    await clock.pass(3 * SECOND);
    const [[how, at]] = turns;
    assert.equal(how, 'login');
    assert.ok(at - died < 3 * SECOND, `${at - died} ms`);

    opened.length = 0;
    for (const wire of gateways.b.wires) wire.cut();
    await clock.pass(3 * SECOND);
    assert.equal(opened[0], 'b');
    signal.close();
  });
});

test('a session that has moved is followed at once, to the node where it is, and nothing is lost', async () => {
  const { clock, server, turns, wire, send, heard } = await house();
  const dialled = [];
  const { open } = server;
  server.open = (url, abort) => {
    dialled.push([url, clock.now()]);
    return open(url, abort);
  };
  const moved = { moved: { signal: ['wss://b/v1/signal', 'quic://b:1', 'javascript:alert(1)', 5] } };
  const at = clock.now();
  wire().send(JSON.stringify({ ev: moved }));
  const replies = [send(1)];
  server.tell({ user_message: { number: 1 } });
  await clock.pass(SECOND);
  assert.deepEqual(turns, ['away', 'resumed']);
  assert.deepEqual(
    dialled.map(([url]) => url),
    ['wss://b/v1/signal'],
  );
  assert.ok(dialled[0][1] - at < 100, 'there is no pause');
  await Promise.all(replies);
  assert.deepEqual(heard, [{ number: 1 }]);
  assert.deepEqual(numbers(server.done), [1]);
});

test('who comes back to where the session was is sent on, and who is sent on and on takes his time', async () => {
  const { clock, server, turns, wire } = await house();
  const dialled = [];
  const { open } = server;
  let sends = true;
  server.open = async (url, abort) => {
    dialled.push(url);
    const client = await open(url, abort);
    if (sends) wire().onFrame = () => wire().send(JSON.stringify({ ev: { moved: { signal: ['ws://c'] } } }));
    return client;
  };
  wire().cut();
  await clock.pass(20 * SECOND);
  assert.ok(dialled.length > 2 && dialled.length < 20, `${dialled.length} attempts`);
  assert.deepEqual([dialled[0], dialled[1]], ['a', 'ws://c']);
  sends = false;
  await clock.pass(20 * SECOND);
  assert.deepEqual(turns, ['away', 'resumed']);
});
