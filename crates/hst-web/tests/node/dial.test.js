import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Dialer } from '../../sdk/dial.js';
import { VirtualClock } from './time.js';

/** Addresses that open after so many ms, fail after so many (below 0), or hang (null). */
function network(clock, behaviour) {
  const log = [];
  const open = (url, abort) =>
    new Promise((resolve, reject) => {
      log.push([url, clock.now()]);
      const ms = behaviour[url];
      abort.addEventListener('abort', () => reject(new Error('no answer')));
      if (ms === null) return;
      const socket = { close: () => log.push([`${url} closed`, clock.now()]) };
      clock.after(Math.abs(ms), () => (ms < 0 ? reject(new Error('refused')) : resolve(socket)));
    });
  return { log, open };
}

async function winner(dialer, clock) {
  let outcome = null;
  dialer.dial().then(
    ({ url }) => (outcome = [url, clock.now()]),
    ({ code, message }) => (outcome = [code, message]),
  );
  const begin = clock.now();
  while (!outcome && clock.now() < begin + 20_000) await clock.pass(10);
  return outcome;
}

test('the addresses start 250 ms apart, and the first to open wins', async () => {
  const clock = new VirtualClock();
  const { log, open } = network(clock, { a: null, b: 400, c: 20, d: 1 });
  const [url, at] = await winner(new Dialer(['a', 'b', 'c', 'd'], clock, open), clock);
  assert.equal(url, 'c');
  assert.ok(at <= 530, `${at} ms`);
  assert.deepEqual(log, [
    ['a', 0],
    ['b', 250],
    ['c', 500],
  ]);
});

test('when one fails the next starts at once', async () => {
  const clock = new VirtualClock();
  const { log, open } = network(clock, { a: -20, b: 30 });
  assert.equal((await winner(new Dialer(['a', 'b'], clock, open), clock))[0], 'b');
  assert.deepEqual(log, [
    ['a', 0],
    ['b', 20],
  ]);
});

test('one that opens when the race is over is closed', async () => {
  const clock = new VirtualClock();
  const { log, open } = network(clock, { a: 300, b: 50 });
  assert.equal((await winner(new Dialer(['a', 'b'], clock, open), clock))[0], 'a');
  const late = network(clock, { a: 260, b: 10 });
  late.open = (
    (inner) => (url) =>
      inner(url, new AbortController().signal)
  )(late.open);
  await winner(new Dialer(['a', 'b'], clock, late.open), clock);
  await clock.pass(1_000);
  assert.equal(late.log.filter(([what]) => what.endsWith('closed')).length, 1);
  assert.equal(log.length, 2);
});

test('the address that served is tried first the next time, and one that did not is tried last', async () => {
  const clock = new VirtualClock();
  const { log, open } = network(clock, { a: -1, b: -1, c: 1 });
  const dialer = new Dialer(['a', 'b', 'c'], clock, open);
  dialer.prefer((await winner(dialer, clock))[0]);
  log.length = 0;
  assert.equal((await winner(dialer, clock))[0], 'c');
  assert.equal(log.length, 1);
  dialer.avoid('c');
  log.length = 0;
  await winner(dialer, clock);
  assert.deepEqual(
    log.map(([url]) => url),
    ['a', 'b', 'c'],
  );
});

test('when no address answers the failure has code 30 and says why for each', async () => {
  const clock = new VirtualClock();
  const { open } = network(clock, { a: -1, b: null });
  const [code, message] = await winner(new Dialer(['a', 'b'], clock, open), clock);
  assert.equal(code, 30);
  assert.match(message, /a: refused, b: no answer/);
  assert.equal((await winner(new Dialer([], clock, open), clock))[0], 30);
});
