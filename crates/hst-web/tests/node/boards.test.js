// White boards of an engine: before there is any, and across all that may be lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { browse } from './browser.js';

// Loaded already, so that no real time passes when an engine loads it.
await import('../../sdk/board.js');

const SECOND = 1_000;
const BOARD = 4;

/** An engine, and what its application hears of boards. */
async function house() {
  const world = await browse(() => 0.5);
  // A board makes its layers when it is read; here nobody looks at them.
  const made = () => ({ style: {}, append() {}, remove() {}, addEventListener() {} });
  globalThis.document = { createElement: made };
  globalThis.ResizeObserver = class {
    observe() {}
    disconnect() {}
  };
  const { clock, server, HstRtcEngine } = world;
  const engine = new HstRtcEngine();
  const heard = [];
  for (const name of ['onRemoteMediaAdd', 'onUnPublishMedia', 'onWhiteBoardCurPageChanged', 'onError']) {
    engine.on(name, (payload) => heard.push([name, payload]));
  }
  engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
  for (const call of [
    () => engine.init('http://server'),
    () => engine.login({ appId: 'app', token: 'token', userId: 'me' }),
    () => engine.joinGroup('g'),
  ]) {
    const done = call();
    await clock.pass(SECOND);
    await done;
  }
  server.town.enter('ann');
  const asked = (name) => server.done.filter(([done]) => done === name).map(([, fields]) => fields);
  const wire = () => [...server.wires][0];
  return { ...world, engine, heard, asked, wire };
}

test('boards may be asked for before there is anything, and nothing throws', async () => {
  const { HstRtcEngine } = await browse(() => 0.5);
  const engine = new HstRtcEngine();
  engine.setWhiteBoardDisplayMode(null, 1, 100);
  engine.setWhiteBoardDisplayMode(null, '3', '50');
  engine.setWhiteBoardDisplayMode(undefined, NaN);
  assert.equal(engine.getWhiteBoard('whiteboard1'), null);
  assert.equal(engine.getWhiteBoard(), null);
  await engine.closeWhiteBoard(null);
  await engine.unsetMediaRender(null, BOARD, 'whiteboard1');
  await engine.stopPublishMedia(BOARD, 'whiteboard1');
  await engine.stopReceiveMedia('ann', BOARD, 'whiteboard1');
  await assert.rejects(engine.createWhiteBoard({ board_name: 'ann:Blank1' }), { code: 2 });
  await assert.rejects(engine.startPublishMedia(BOARD, 'whiteboard1'), { code: 2 });
});

test('a board is asked for with what the application says, and its id is the server’s', async () => {
  const { clock, engine, asked } = await house();
  const plain = engine.createWhiteBoard({ board_name: 'me:Blank1' });
  const paper = engine.createWhiteBoard({
    board_name: 'paper', board_type: 1, convert_file_path: '/f/{page}.png', file_path: '/f', width: 800, height: 600, page: 2,
  }); // prettier-ignore
  engine.startPublishMedia(BOARD, 'whiteboard1');
  await clock.pass(SECOND);
  assert.equal(await plain, 'whiteboard1');
  assert.equal(await paper, 'whiteboard1');
  const pages = [{ image: '/f/1.png' }, { image: '/f/2.png' }];
  assert.deepEqual(asked('create_board'), [{ name: 'me:Blank1' }, { name: 'paper', width: 800, height: 600, pages }]);
  assert.deepEqual(asked('publish'), [{ type: BOARD, media: 'whiteboard1' }]);
  engine.destroy();
});

test('a board is told of when all that is on it is here, and is gone with its end', async () => {
  const { clock, server, engine, heard, asked } = await house();
  let early;
  engine.on('onRemoteMediaAdd', ({ mediaId }) => (early = engine.getWhiteBoard(mediaId)));
  server.town.showBoard('ann', 'whiteboard1');
  await clock.pass(SECOND);
  const added = { userId: 'ann', mediaType: BOARD, mediaId: 'whiteboard1', mediaName: '', totalPage: 2, curPage: 0 };
  assert.deepEqual(heard.splice(0), [['onRemoteMediaAdd', added]]);
  assert.notEqual(early, null);
  early.page('1');
  await clock.pass(SECOND);
  assert.deepEqual(asked('draw'), [{ board: 'whiteboard1', n: 1, act: { set_page: { page: 1 } } }]);
  server.tell({ drawn: { board: 'whiteboard1', by: 'me', n: 1, act: { set_page: { page: 1 } } } });
  server.tell({ unpublished: { user: 'ann', type: BOARD, media: 'whiteboard1', name: 'plan' } });
  await clock.pass(SECOND);
  const media = { userId: 'ann', mediaType: BOARD, mediaId: 'whiteboard1' };
  assert.deepEqual(heard, [
    ['onWhiteBoardCurPageChanged', { mediaId: 'whiteboard1', curPage: 1 }],
    ['onUnPublishMedia', { ...media, mediaName: 'plan' }],
  ]);
  assert.equal(engine.getWhiteBoard('whiteboard1'), null);
  engine.destroy();
});

test('after frames were lost a board is read again', async () => {
  const { clock, server, engine, heard, asked, wire } = await house();
  server.town.showBoard('ann', 'whiteboard1');
  await clock.pass(SECOND);
  server.maxKept = 1;
  wire().cut();
  // More than was kept before.
  for (let n = 1; n <= 20; n += 1) {
    server.tell({ drawn: { board: 'whiteboard1', by: 'ann', n, act: { clear: { page: 0 } } } });
  }
  await clock.pass(5 * SECOND);
  assert.equal(asked('open_board').length, 2);
  assert.equal(heard.length, 1, 'the application hears of it once');
  engine.destroy();
});

test('what is drawn while a session is lost comes behind the reading in the next one', async () => {
  const { clock, server, engine, wire } = await house();
  server.town.showBoard('ann', 'whiteboard1');
  await clock.pass(SECOND);
  const board = engine.getWhiteBoard('whiteboard1');
  server.accepts = false;
  wire().cut();
  await clock.pass(SECOND);
  board.clear();
  await clock.pass(70 * SECOND);
  server.done.length = 0;
  server.accepts = true;
  await clock.pass(20 * SECOND);
  const names = server.done.map(([name]) => name).filter((name) => ['join', 'open_board', 'draw'].includes(name));
  assert.deepEqual(names, ['join', 'open_board', 'draw']);
  assert.notEqual(engine.getWhiteBoard('whiteboard1'), null);
  engine.destroy();
});
