// What of the demo page needs no browser: its words, and where its tiles stand.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { GAP, MAX_TILES, arrange } from '../../page/layout.js';
import { idOf, nameOf } from '../../page/names.js';
import { levelOf } from '../../page/quality.js';
import en from '../../page/text_en.js';
import zh from '../../page/text_zh.js';

const DESKTOP = { width: 1416, height: 764 };
const PHONE = { width: 344, height: 620 };

/** What must fit: as kind, length, and inside. */
function shapeOf(value) {
  if (typeof value === 'function') return `a text with ${value.length} to fill in`;
  if (Array.isArray(value)) return `${value.length} texts`;
  if (typeof value === 'object') return Object.keys(value).join();
  return typeof value;
}

test('both languages have every word, each of the same kind, and none is empty', () => {
  const shapes = (words) => Object.fromEntries(Object.entries(words).map(([key, value]) => [key, shapeOf(value)]));
  assert.deepEqual(shapes(zh), shapes(en));
  for (const value of [...Object.values(en), ...Object.values(zh)].flat()) assert.notEqual(value, '');
});

test('every word that the page names is there', () => {
  const page = readFileSync(new URL('../../page/index.html', import.meta.url), 'utf8');
  const named = [...page.matchAll(/data-(?:text|label|placeholder)="(\w+)"/g)].map(([, key]) => key);
  assert.ok(named.length > 30);
  for (const key of named) assert.equal(typeof en[key], 'string', key);
});

test('every tile is inside of the view, over no other one, and none is forgotten', () => {
  for (const view of [DESKTOP, PHONE]) {
    for (const isStaged of [false, true]) {
      for (let count = 1; count <= 60; count += 1) {
        const first = arrange({ ...view, count, isStaged });
        let seen = 0;
        for (let page = 0; page < first.pages; page += 1) {
          const { stage, cells, from } = arrange({ ...view, count, isStaged, page });
          assert.equal(from, seen);
          seen += cells.length;
          assert.ok(cells.length > 0 && cells.length <= MAX_TILES, `${count} on page ${page}: ${cells.length}`);
          check(view, stage ? [stage, ...cells] : cells);
        }
        assert.equal(seen, count);
      }
    }
  }
});

test('25 tiles are on one page of a desktop, and what is not shown of a phone is on few', () => {
  assert.equal(arrange({ ...DESKTOP, count: 25, isStaged: false }).pages, 1);
  assert.equal(arrange({ ...PHONE, count: 25, isStaged: false }).pages, 2);
});

test('tiles fill a view: two take most of it, and twenty-five too', () => {
  for (const count of [1, 2, 3, 4, 6, 9, 12, 16, 20, 25]) {
    const { cells } = arrange({ ...DESKTOP, count, isStaged: false });
    const filled = cells.reduce((sum, { width, height }) => sum + width * height, 0);
    assert.ok(filled > DESKTOP.width * DESKTOP.height * 0.6, `${count}: ${filled}`);
  }
});

test('who is alone beside the stage leaves it all the room', () => {
  const { stage } = arrange({ ...DESKTOP, count: 0, isStaged: true });
  assert.deepEqual(stage, { left: 0, top: 0, ...DESKTOP });
});

test('any name makes an id of the platform, and comes back', () => {
  for (const name of ['Ann', 'ann_1-b', '小明', 'A B', 'n--x', '😀']) {
    assert.match(idOf(name), /^[A-Za-z0-9_-]{1,128}$/);
    assert.equal(nameOf(idOf(name)), name);
  }
  assert.equal(nameOf('n--%'), 'n--%');
});

test('a picture that stutters has fewer bars, and one that does not come has none', () => {
  const levels = [24, 15, 8, 2].map((frameRate) => levelOf({ width: 640, height: 360, frameRate, bitRate: 500 }));
  assert.deepEqual(levels, [4, 3, 2, 1]);
  assert.equal(levelOf({ width: 640, height: 360, frameRate: 24, bitRate: 0 }), 0);
});

/** @param {{ width: number, height: number }} view */
function check(view, boxes) {
  for (const [at, a] of boxes.entries()) {
    assert.ok(a.left >= 0 && a.top >= 0 && a.width > 0 && a.height > 0);
    assert.ok(a.left + a.width <= view.width && a.top + a.height <= view.height, JSON.stringify([view, a]));
    for (const b of boxes.slice(at + 1)) {
      const isApart = a.left + a.width <= b.left || b.left + b.width <= a.left;
      assert.ok(isApart || a.top + a.height + GAP / 2 <= b.top, JSON.stringify([a, b]));
    }
  }
}
