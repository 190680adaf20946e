// What an application may ask of white boards before there is any.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { browse } from './browser.js';

const { HstRtcEngine } = await browse(() => 0.5);

test('boards may be asked for before there is anything, and nothing throws', async () => {
  const engine = new HstRtcEngine();
  engine.setWhiteBoardDisplayMode(null, 1, 100);
  engine.setWhiteBoardDisplayMode(null, '3', '50');
  engine.setWhiteBoardDisplayMode(undefined, NaN);
  assert.equal(engine.getWhiteBoard('whiteboard1'), null);
  assert.equal(engine.getWhiteBoard(), null);
  for (const call of [
    () => engine.createWhiteBoard({ board_name: 'ann:Blank1' }),
    () => engine.closeWhiteBoard(null),
    () => engine.startPublishMedia(4, 'whiteboard1'),
    () => engine.unsetMediaRender(null, 4, 'whiteboard1'),
    () => engine.stopReceiveMedia('ann', 4, 'whiteboard1'),
  ]) {
    await assert.rejects(call(), { code: 2 });
  }
});
