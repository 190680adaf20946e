import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Backoff } from '../../sdk/backoff.js';

const almost = () => 0.999;

test('the bound of the pauses doubles from 0.5 s to 10 s', () => {
  const backoff = new Backoff(almost);
  const pauses = Array.from({ length: 7 }, () => Math.round(backoff.next(0) / 0.999));
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  backoff.reset();
  assert.equal(Math.round(backoff.next(0) / 0.999), 500);
});

test('no attempt comes before the server wants one, whatever the dice say', () => {
  const backoff = new Backoff(() => 0);
  backoff.holdOff(1_000, 3_000);
  assert.equal(backoff.next(1_000), 3_000);
  backoff.holdOff(2_000);
  assert.equal(backoff.next(3_500), 500);
  assert.equal(backoff.next(4_000), 0);
});
