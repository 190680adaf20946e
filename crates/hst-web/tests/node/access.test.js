import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBase, askAccess } from '../../sdk/access.js';

test('an address of Access may name the group that one is going to join', async () => {
  for (const [text, base, group] of [
    ['https://rtc.example.com', 'https://rtc.example.com', null],
    ['https://rtc.example.com/server/address?group=weekly', 'https://rtc.example.com', 'weekly'],
    ['https://example.com/rtc/v1/access/?group=a%20b', 'https://example.com/rtc', 'a b'],
    ['http://127.0.0.1:7880?appType=24', 'http://127.0.0.1:7880', null],
  ]) {
    assert.deepEqual(accessBase(text), { base, group });
  }
});

test('the group goes along in the question, whatever its name is made of', async (t) => {
  const asked = [];
  t.mock.method(globalThis, 'fetch', async (url) => {
    asked.push(String(url));
    return Response.json({ code: 0, signal: ['wss://n1.example.com/v1/signal'], ice_servers: [] });
  });
  await askAccess('https://rtc.example.com?group=a%26b');
  await askAccess('https://rtc.example.com');
  assert.deepEqual(asked, ['https://rtc.example.com/v1/access?group=a%26b', 'https://rtc.example.com/v1/access']);
});
