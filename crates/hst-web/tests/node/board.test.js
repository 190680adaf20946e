// One white board without a screen: what is on it, how it is read, and what its author takes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

const made = () => ({ style: {}, append() {}, remove() {}, addEventListener() {} });
globalThis.document = { createElement: made };
globalThis.ResizeObserver = class {
  observe() {}
  disconnect() {}
};
const { Board } = await import('../../sdk/board.js');
const { BoardState } = await import('../../sdk/board_state.js');

const figure = (page = 0) => ({ kind: 'line', page, size: 10, points: [0, 0, 5, 5] });
const head = { width: 100, height: 100, pages: [{}, {}], page: 0, own: 0, writable: true };
const shown = (state) => [0, 1].map((page) => state.shown(page).map(({ by, n, points }) => `${by}/${n} ${points}`));

/** A generator of chance whose seed is known. */
function dice(seed) {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % most;
  };
}

/** An act that may make sense. */
function anyAct(roll, last) {
  const some = () => ({ by: ['ann', 'bob'][roll(2)], n: 1 + roll(last) });
  const act = roll(10);
  if (act < 5) return { add: figure(roll(2)) };
  if (act < 6) return { move: { figures: [some(), some()], dx: roll(100), dy: -roll(100) } };
  if (act < 7) return { erase: { figures: [some()] } };
  if (act < 8) return { hide: { figure: 1 + roll(last) } };
  if (act < 9) return { show: { figure: 1 + roll(last) } };
  return roll(5) ? { set_page: { page: roll(2) } } : { clear: { page: roll(2) } };
}

/** The figures of a board as the server has them, hidden ones included, in parts. */
class House {
  #all = [];

  apply({ by, n, act }) {
    const [[name, fields]] = Object.entries(act);
    const isOne = (one, figures) => figures.some((id) => id.by === one.by && id.n === one.n);
    if (name === 'add') {
      this.#all = this.#all.filter((one) => !(one.hidden && one.by === by && one.page === fields.page));
      this.#all.push({ ...fields, by, n, place: (this.last = (this.last ?? 0) + 1) });
    } else if (name === 'move') {
      for (const one of fields.figures.flatMap((id) => this.#all.filter((one) => isOne(one, [id])))) {
        one.points = [one.points[0] + fields.dx, one.points[1] + fields.dy, ...one.points.slice(2)];
      }
    } else if (name === 'erase') {
      this.#all = this.#all.filter((one) => !isOne(one, fields.figures));
    } else if (name === 'clear') {
      this.#all = this.#all.filter((one) => one.page !== fields.page);
    } else if (name !== 'set_page') {
      for (const one of this.#all) if (one.by === by && one.n === fields.figure) one.hidden = name === 'hide';
    }
  }

  part(after = 0, most = 3) {
    const rest = this.#all.filter(({ place }) => place > after);
    const figures = rest.slice(0, most).map((one) => ({ ...one }));
    return { ...head, figures, ...(rest.length > most ? { next: figures.at(-1).place } : {}) };
  }
}

test('parts and the acts between them are the board, whenever one begins to read', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const roll = dice(seed);
    const house = new House();
    const first = new BoardState({ ...head, figures: [] });
    const last = { ann: 0, bob: 0 };
    let [late, next] = [null, 0];
    for (let step = 0; step < 80; step += 1) {
      const by = roll(2) ? 'ann' : 'bob';
      const drawn = { by, n: (last[by] += 1), act: anyAct(roll, 40) };
      house.apply(drawn);
      first.apply(drawn);
      late?.apply(drawn);
      if (step < 30 || next === undefined || roll(3)) continue;
      const part = house.part(next);
      if (late) late.add(part.figures);
      else late = new BoardState(part);
      next = part.next;
    }
    while (next !== undefined) {
      const part = house.part(next);
      if (late) late.add(part.figures);
      else late = new BoardState(part);
      next = part.next;
    }
    assert.deepEqual(shown(late), shown(first), `seed ${seed}`);
  }
});

/** A board whose server answers when the test says so. */
function atTable(figures = []) {
  const asked = [];
  const [reports, pages] = [[], []];
  const board = new Board('b', {
    self: 'ann',
    ask: (command) => new Promise((resolve, reject) => asked.push({ command, resolve, reject })),
    sketch: () => {},
    fitOf: () => ({ mode: 1, percent: 100 }),
    report: (error) => reports.push(error),
    onPage: (page) => pages.push(page),
  });
  const answer = async (part) => {
    asked.shift().resolve({ ...head, figures, ...part });
    await new Promise(setImmediate);
  };
  return { board, asked, reports, pages, answer };
}

test('there is something to draw with when all has come, and not before', async () => {
  const { board, asked, answer } = atTable([{ by: 'bob', n: 1, ...figure() }]);
  const read = board.read();
  await answer({ next: 7 });
  assert.equal(board.handle, null);
  assert.deepEqual(asked[0].command, { open_board: { board: 'b', after: 7 } });
  await answer({ figures: [] });
  assert.equal((await read).shown(0).length, 1);
  assert.equal(board.handle.page(), 0);
});

test('a board that is read again meanwhile is there when the last reading is', async () => {
  const { board, pages, answer } = atTable();
  const first = board.read();
  await answer({ next: 7 });
  const second = board.read();
  await answer({ page: 0 });
  assert.equal(board.handle, null, 'what the first reading brings is too old');
  await answer({ page: 1 });
  assert.equal((await first).page, 1);
  assert.equal(await second, await first);
  board.read();
  await answer({ page: 0 });
  assert.deepEqual(pages, [0], 'a page that was turned to meanwhile is told');
});

test('what is taken back twice in a row are two figures, and they come back the other way round', async () => {
  const { board, asked, answer } = atTable([1, 2, 3].map((n) => ({ by: 'ann', n, ...figure() })));
  board.read();
  await answer({ own: 3 });
  board.handle.revoke();
  board.handle.revoke();
  board.handle.restore();
  const acts = asked.map(({ command }) => command.draw);
  assert.deepEqual(
    acts.map(({ n, act }) => [n, act]),
    [
      [4, { hide: { figure: 3 } }],
      [5, { hide: { figure: 2 } }],
      [6, { show: { figure: 2 } }],
    ],
  );
  for (const { n, act } of acts) board.handleDrawn({ by: 'ann', n, act });
  board.handle.revoke();
  assert.deepEqual(asked.at(-1).command.draw.act, { hide: { figure: 2 } });
});

test('an act that the server refuses is reported, and is over', async () => {
  const { board, asked, reports, answer } = atTable();
  board.read();
  await answer({});
  board.act({ add: figure() });
  asked.shift().reject({ code: 1000113 });
  await new Promise(setImmediate);
  assert.deepEqual(reports, [{ code: 1000113 }]);
  board.handle.revoke();
  assert.deepEqual(asked, [], 'there is nothing to take back');
});

test('every setting tells what it is, and takes no nonsense', async () => {
  const { board, answer } = atTable();
  board.read();
  await answer({});
  const { handle } = board;
  assert.deepEqual(
    [handle.toolType(), handle.toolType('gmov'), handle.toolType('axe'), handle.toolType('text')],
    ['curve', 'gmov', 'gmov', 'text'],
  );
  assert.deepEqual([handle.brushSize('4'), handle.brushSize(NaN), handle.brushSize(-1)], [4, 4, 4]);
  assert.deepEqual([handle.brushColor('#FF0080'), handle.brushColor('red')], ['#ff0080', '#ff0080']);
  assert.equal(handle.page(7), 0);
  assert.equal(handle.edit(), false);
  assert.equal(await handle.edit(true), true);
  assert.equal(handle.edit(), true);
});
