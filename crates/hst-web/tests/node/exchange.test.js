import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Exchange } from '../../sdk/exchange.js';

const idsOf = (frames) => frames.map((frame) => JSON.parse(frame).id);
const commandsOf = (frames) => frames.map((frame) => Object.keys(JSON.parse(frame).do)[0]);
const codeOf = (promise) =>
  promise.then(
    (fields) => fields ?? 'done',
    ({ code }) => code,
  );

test('requests get ascending numbers when they leave, and each its own reply', async () => {
  const exchange = new Exchange();
  const replies = ['a', 'b'].map((name) => exchange.ask({ [name]: {} }, false));
  assert.deepEqual(idsOf(exchange.flush()), [1, 2]);
  assert.deepEqual(exchange.flush(), []);
  exchange.take({ seq: 1, re: 1, ok: { done: { first: true } } });
  exchange.take({ seq: 2, re: 2, err: { code: 1000020, message: 'no' } });
  assert.deepEqual(await replies[0], { first: true });
  assert.equal(await codeOf(replies[1]), 1000020);
});

test('a frame that came before is dropped, and one before its turn is a fault of the connection', () => {
  const exchange = new Exchange();
  assert.deepEqual(exchange.take({ seq: 1, ev: { locked: { locked: true } } }), ['locked', { locked: true }]);
  assert.equal(exchange.take({ seq: 1, ev: { locked: { locked: true } } }), null);
  assert.throws(() => exchange.take({ seq: 3, ev: { locked: {} } }), /frame 2/);
  assert.equal(exchange.got, 1);
  // What is not kept has no number, and is taken as it comes.
  assert.deepEqual(exchange.take({ ev: { message: { body: 1 } } }), ['message', { body: 1 }]);
});

test('the server is told what has come after 64 frames, and with each ping', () => {
  const exchange = new Exchange();
  for (let seq = 1; seq <= 63; seq += 1) exchange.take({ seq, ev: { locked: {} } });
  assert.deepEqual(exchange.confirm(), []);
  exchange.take({ seq: 64, ev: { locked: {} } });
  assert.deepEqual(exchange.confirm(), ['{"got":64}']);
  assert.deepEqual(exchange.confirm(), []);
  assert.equal(exchange.ping().length, 1);
  exchange.take({ seq: 65, ev: { locked: {} } });
  assert.equal(exchange.ping()[0], '{"got":65}');
});

test('a sign of life says what has come, and asks for an answer where nothing has come or one is due', () => {
  const exchange = new Exchange();
  const asks = (frames) => frames.length === 1 && 'ping' in JSON.parse(frames[0]).do;
  assert.ok(asks(exchange.beat()));
  exchange.take({ seq: 1, ev: { locked: {} } });
  assert.deepEqual(exchange.beat(), ['{"got":1}']);
  assert.ok(asks(exchange.beat()));
  exchange.ask({ leave: {} }, false);
  exchange.flush();
  exchange.take({ seq: 2, ev: { locked: {} } });
  assert.ok(asks(exchange.beat().slice(1)));
});

test('after a resumption only the requests that did not come are sent again, under their numbers', async () => {
  const exchange = new Exchange();
  const replies = ['a', 'b', 'c'].map((name) => exchange.ask({ [name]: {} }, false));
  exchange.flush();
  exchange.ask({ d: {} }, false);
  assert.deepEqual(idsOf(exchange.resume({ received: 1 })), [2, 3]);
  assert.deepEqual(idsOf(exchange.flush()), [4]);
  exchange.take({ seq: 1, re: 1, ok: { done: {} } });
  assert.deepEqual(await replies[0], {});
});

test('when frames were lost, requests that came have an unknown outcome, unless they may be repeated', async () => {
  const exchange = new Exchange();
  const lost = exchange.ask({ message: {} }, false);
  exchange.ask({ publish: {} }, true);
  exchange.ask({ unpublish: {} }, true);
  exchange.flush();
  assert.deepEqual(exchange.resume({ received: 2, missed: true }), []);
  assert.equal(await codeOf(lost), 302);
  const again = exchange.flush();
  assert.deepEqual(commandsOf(again), ['publish', 'unpublish']);
  assert.ok(idsOf(again).every((id) => id > 3));
  // The numbers of frames go on behind those that are lost.
  assert.notEqual(exchange.take({ seq: 500, ev: { snapshot: {} } }), null);
  assert.throws(() => exchange.take({ seq: 502, ev: {} }));
});

test('in a new session what restores it leaves first, then what waited, in its order', async () => {
  const exchange = new Exchange();
  exchange.take({ seq: 1, ev: { locked: {} } });
  const lost = exchange.ask({ message: {} }, false);
  exchange.ask({ receive: {} }, true);
  exchange.flush();
  exchange.ask({ user_message: {} }, false);
  exchange.restart(() => exchange.ask({ join: {} }, false));
  assert.equal(await codeOf(lost), 302);
  assert.deepEqual(commandsOf(exchange.flush()), ['join', 'receive', 'user_message']);
  assert.equal(exchange.got, 0);
});

test('1024 requests may wait, and the next fails with code 30', async () => {
  const exchange = new Exchange();
  for (let index = 0; index < 1024; index += 1) exchange.ask({ message: {} }, false);
  assert.equal(await codeOf(exchange.ask({ message: {} }, false)), 30);
  assert.equal(exchange.flush().length, 1024);
});

test('a request is given up when the server has answered three pings behind it', async () => {
  const exchange = new Exchange();
  const early = codeOf(exchange.ask({ a: {} }, false));
  exchange.flush();
  const pong = () => exchange.take({ re: JSON.parse(exchange.ping()[0]).id, ok: { done: {} } });
  pong();
  const late = exchange.ask({ b: {} }, false);
  const [id] = idsOf(exchange.flush());
  pong();
  pong();
  assert.equal(await early, 302);
  exchange.take({ seq: 1, re: id, ok: { done: {} } });
  assert.deepEqual(await late, {});
});
