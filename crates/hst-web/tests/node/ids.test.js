import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MediaRef } from '../../sdk/ids.js';

const keyOf = (make, ...args) => {
  try {
    return MediaRef[make](...args).key;
  } catch ({ code }) {
    return code;
  }
};

test('a user has one microphone and one screen, whatever an application calls them', () => {
  for (const nothing of [undefined, null, '']) {
    assert.equal(keyOf('remote', 'ann', 0, nothing), 'ann/0/0');
    assert.equal(keyOf('remote', 'ann', 1, nothing), 'ann/1/appdef_mic');
    assert.equal(keyOf('remote', 'ann', 2, nothing), 1);
  }
  assert.equal(keyOf('own', 'me', 1, 'some device'), 'me/1/appdef_mic');
  assert.equal(keyOf('own', 'me', 0, null), 'me/0/0');
  assert.equal(keyOf('own', 'me', 2, 'cam'), 'me/2/cam');
});

test('a type may be a text, and nothing else is a type', () => {
  assert.equal(keyOf('remote', 'ann', '2', 'cam'), 'ann/2/cam');
  assert.equal(keyOf('own', 'me', '1', null), 'me/1/appdef_mic');
  for (const type of [undefined, null, '', 'x', 3, 4, -1, 1.5, {}]) assert.equal(keyOf('own', 'me', type, 'cam'), 1);
});
