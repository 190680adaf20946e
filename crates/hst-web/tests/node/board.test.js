// One white board without a screen: what is on it, how it is read, and what is undone and done again.

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
  if (act < 9) return { restore: { act: 1 + roll(last) } };
  return roll(5) ? { set_page: { page: roll(2) } } : roll(3) ? { clear: { page: roll(2) } } : { forget: {} };
}

/** The figures of a board as the server has them, those included that may be brought back, in parts. */
class House {
  #all = [];
  #last = 0;

  apply({ by, n, act }) {
    const [[name, fields]] = Object.entries(act);
    const page = fields.page ?? 0;
    const isOne = (one, id) => id.by === one.by && id.n === one.n;
    const drop = (isMeant) => (this.#all = this.#all.filter((one) => !isMeant(one)));
    const take = (isMeant, gone) => {
      for (const one of this.#all) if (!one.gone && isMeant(one)) one.gone = gone;
    };
    if (name === 'erase' || name === 'clear') drop(({ gone }) => gone?.by === by && gone.n < n - 200);
    if (name === 'add') {
      drop((one) => one.by === by && one.page === page && one.gone && isOne(one, one.gone));
      this.#all.push({ ...fields, by, n, place: (this.#last += 1) });
    } else if (name === 'move') {
      for (const one of fields.figures.flatMap((id) => this.#all.filter((one) => isOne(one, id)))) {
        one.points = [one.points[0] + fields.dx, one.points[1] + fields.dy, ...one.points.slice(2)];
      }
    } else if (name === 'erase') {
      take((one) => fields.figures.some((id) => isOne(one, id)), { by, n });
    } else if (name === 'clear') {
      take((one) => one.page === page, { by, n });
    } else if (name === 'hide') {
      take((one) => isOne(one, { by, n: fields.figure }), { by, n: fields.figure });
    } else if (name === 'restore') {
      for (const one of this.#all) if (one.gone && isOne(one.gone, { by, n: fields.act })) delete one.gone;
    } else if (name === 'forget') {
      drop(({ gone }) => gone);
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

/** A house with people at one board, each of whom hears and is heard as late as the test wants, but in order. */
class Room {
  people = [];
  #house = new House();
  #page = 0;

  enter(self) {
    const person = { self, n: 0, out: [], inbox: [], state: null };
    person.board = new Board('b', {
      self,
      ask: (command) => new Promise((resolve) => person.out.push({ command, resolve })),
      sketch: () => {},
      fitOf: () => ({ mode: 1, percent: 100 }),
      report: (error) => assert.fail(error),
      onPage: () => {},
    });
    this.people.push(person);
    person.board.read().then((state) => (person.state = state));
    return person;
  }

  /** What somebody asked for first comes to the house, and what it tells is under way to everybody. */
  carry(person) {
    const { command, resolve } = person.out.shift();
    const { open_board: open, draw } = command;
    if (open) {
      const part = { ...this.#house.part(open.after), page: this.#page, own: person.n };
      person.inbox.push(() => resolve(part));
      person.isIn = true;
      return;
    }
    const drawn = { by: person.self, n: draw.n, act: draw.act };
    assert.ok(draw.n > person.n, 'numbers rise');
    person.n = draw.n;
    this.#page = draw.act.set_page?.page ?? this.#page;
    this.#house.apply(drawn);
    for (const one of this.people) if (one.isIn) one.inbox.push(() => one.board.handleDrawn(structuredClone(drawn)));
    person.inbox.push(() => resolve({}));
  }

  async hear(person) {
    person.inbox.shift()();
    await new Promise(setImmediate);
  }

  async settle() {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const person of this.people) {
        isBusy ||= person.out.length + person.inbox.length > 0;
        while (person.out.length > 0) this.carry(person);
        while (person.inbox.length > 0) await this.hear(person);
      }
    }
  }
}

/** One thing that a hand may do at a board. */
function anyDeed(roll, { board, state }) {
  const deed = roll(20);
  const some = () => {
    const all = state.shown(board.page);
    const { by, n } = all[roll(all.length)] ?? { by: 'ann', n: 1 };
    return { by, n };
  };
  if (deed < 7) return board.act({ add: figure(board.page) });
  if (deed < 9) return board.act({ move: { figures: [some()], dx: roll(100), dy: -roll(100) } });
  if (deed < 11) {
    const gesture = {};
    for (let times = roll(3); times >= 0; times -= 1) board.act({ erase: { figures: [some(), some()] } }, gesture);
    return undefined;
  }
  if (deed < 15) return board.undo();
  if (deed < 18) return board.redo();
  if (deed < 19) return board.act({ clear: { page: board.page } });
  return roll(8) ? board.act({ set_page: { page: roll(2) } }) : board.act({ forget: {} });
}

test('whatever three people do and undo at once, they and who comes late end with the same board', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const room = new Room();
    for (const self of ['ann', 'bob', 'cid']) room.enter(self);
    await room.settle();
    for (let step = 0; step < 250; step += 1) {
      if (step === 120) room.enter('dan');
      const person = room.people[roll(room.people.length)];
      const what = roll(3);
      if (what === 0 && person.state) anyDeed(roll, person);
      if (what === 1 && person.out.length > 0) room.carry(person);
      if (what === 2 && person.inbox.length > 0) await room.hear(person);
    }
    await room.settle();
    const [first, ...others] = room.people.map(({ state }) => shown(state));
    for (const other of others) assert.deepEqual(other, first, `seed ${seed}`);
  }
});

test('one who undoes all that he did has what he began with, and what he had when he does it again', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const room = new Room();
    const ann = room.enter('ann');
    await room.settle();
    const pictures = [shown(ann.state)];
    for (let step = 0; step < 30; step += 1) {
      const { by, n } = ann.state.shown(0)[roll(5)] ?? {};
      const what = roll(6);
      if (what < 3 || !by) ann.board.act({ add: figure() });
      else if (what === 3) ann.board.act({ move: { figures: [{ by, n }], dx: 1 + roll(9), dy: roll(9) } });
      else if (what === 4) ann.board.act({ erase: { figures: [{ by, n }] } });
      else ann.board.act({ clear: { page: 0 } });
      await room.settle();
      pictures.push(shown(ann.state));
    }
    // As fast as keys are pressed, or each when the one before is seen.
    const isHasty = roll(2) === 1;
    for (let step = 29; step >= 0; step -= 1) {
      ann.board.undo();
      if (!isHasty) await room.settle();
      if (!isHasty) assert.deepEqual(shown(ann.state), pictures[step], `seed ${seed}, back to ${step}`);
    }
    await room.settle();
    assert.deepEqual(shown(ann.state), [[], []], `seed ${seed}`);
    ann.board.undo();
    for (let step = 1; step <= 30; step += 1) {
      ann.board.redo();
      if (!isHasty) await room.settle();
      if (!isHasty) assert.deepEqual(shown(ann.state), pictures[step], `seed ${seed}, on to ${step}`);
    }
    await room.settle();
    assert.deepEqual(shown(ann.state), pictures[30], `seed ${seed}`);
  }
});

/** What ann has asked for since the last time. */
const actsOf = (asked) => asked.splice(0).map(({ command }) => command.draw.act);

test('undoing goes back step by step, a gesture at a time, and what is new ends what could be done again', async () => {
  const { board, asked, answer } = atTable();
  board.read();
  await answer({});
  const { handle } = board;
  const [one, two] = [{ by: 'bob', n: 1 }, { by: 'bob', n: 2 }]; // prettier-ignore
  const wipe = {};
  board.act({ add: figure() });
  board.act({ move: { figures: [one], dx: 3, dy: -4 } });
  for (const id of [one, two]) board.act({ erase: { figures: [id] } }, wipe);
  handle.clear();
  actsOf(asked);
  for (let times = 0; times < 5; times += 1) handle.revoke();
  assert.deepEqual(actsOf(asked), [
    { restore: { act: 5 } },
    { restore: { act: 4 } },
    { restore: { act: 3 } },
    { move: { figures: [one], dx: -3, dy: 4 } },
    { hide: { figure: 1 } },
  ]);
  for (let times = 0; times < 3; times += 1) handle.restore();
  assert.deepEqual(actsOf(asked), [
    { restore: { act: 1 } },
    { move: { figures: [one], dx: 3, dy: -4 } },
    { erase: { figures: [one] } },
    { erase: { figures: [two] } },
  ]);
  board.act({ add: figure() });
  handle.restore();
  assert.deepEqual(actsOf(asked), [{ add: figure() }], 'nothing is done again behind something new');
});

test('what others have undone for one is skipped, and each page has steps of its own', async () => {
  const { board, asked, answer } = atTable([1, 2].map((n) => ({ by: 'ann', n, ...figure(n - 1) })));
  board.read();
  await answer({ own: 2 });
  board.handle.revoke();
  assert.deepEqual(actsOf(asked), [{ hide: { figure: 1 } }], 'the last of this page');
  board.handle.restore();
  for (const n of [3, 4]) board.handleDrawn({ by: 'ann', n, act: actsOf(asked)[0] ?? { restore: { act: 1 } } });
  board.act({ add: figure() });
  board.handleDrawn({ by: 'ann', n: 5, act: actsOf(asked)[0] });
  board.handleDrawn({ by: 'bob', n: 1, act: { erase: { figures: [{ by: 'ann', n: 5 }] } } });
  board.handle.revoke();
  assert.deepEqual(actsOf(asked), [{ hide: { figure: 1 } }]);
});

test('what one drew and erased before the board was read can be undone too', async () => {
  const gone = (n) => ({ by: 'ann', n });
  const { board, asked, answer } = atTable([
    { by: 'ann', n: 1, ...figure() },
    { by: 'bob', n: 1, gone: gone(3), ...figure() },
    { by: 'ann', n: 2, gone: gone(2), ...figure() },
    ...Array.from({ length: 200 }, (_, at) => ({ by: 'bob', n: 2 + at, gone: gone(4), ...figure() })),
  ]);
  board.read();
  await answer({ own: 5 });
  for (let times = 0; times < 4; times += 1) board.handle.revoke();
  const undone = [{ restore: { act: 4 } }, { restore: { act: 3 } }, { hide: { figure: 1 } }];
  assert.deepEqual(actsOf(asked), undone);
  for (let times = 0; times < 4; times += 1) board.handle.restore();
  const redone = [{ restore: { act: 1 } }, { erase: { figures: [{ by: 'bob', n: 1 }] } }, { clear: { page: 0 } }];
  assert.deepEqual(actsOf(asked), redone);
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
