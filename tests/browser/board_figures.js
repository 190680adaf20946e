// Draws on a board that has many figures, and measures in ms from frame to frame, and what each costs.
const { Board } = await import('/sdk/hst-rtc-board.mjs');
const [count] = args;
let seed = 1;
const dice = (most) => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) % most;
const figures = Array.from({ length: count }, (_, at) => ({
  by: 'ann',
  n: at + 1,
  kind: 'curve',
  color: dice(0x1000000),
  size: 20,
  points: [dice(12800), dice(7680), ...Array.from({ length: 58 }, () => dice(200) - 100)],
}));
const element = document.createElement('div');
Object.assign(element.style, { position: 'fixed', left: 0, top: 0, width: '1280px', height: '768px' });
document.body.append(element);
const board = new Board('b', {
  self: 'bob',
  ask: async ({ open_board, draw }) => {
    if (open_board) return { width: 1280, height: 768, pages: [{}], page: 0, own: 0, writable: true, figures };
    board.handleDrawn({ by: 'bob', ...draw });
  },
  sketch: () => {},
  fitOf: () => ({ mode: 1, percent: 100 }),
  report: (error) => console.error(error),
  onPage: () => {},
});
await board.read();
const frame = () => new Promise((done) => requestAnimationFrame(done));
const began = performance.now();
board.show(element);
element.querySelector('canvas').getContext('2d').getImageData(0, 0, 1, 1);
const first = performance.now() - began;

board.edit(true);
const stage = element.firstElementChild;
const tell = (type, clientX, clientY) =>
  stage.dispatchEvent(new PointerEvent(type, { clientX, clientY, pointerId: 1, button: 0 }));
const [frames, costs] = [[], []];
for (let stroke = 0; stroke < 10; stroke += 1) {
  tell('pointerdown', 50, 50 + stroke * 60);
  let last = await frame();
  for (let step = 1; step <= 30; step += 1) {
    const before = performance.now();
    // A mouse of 240 Hz.
    for (let part = 0; part < 4; part += 1) tell('pointermove', 50 + step * 35 + part * 8, 50 + stroke * 60 + part);
    if (step === 30) tell('pointerup', 1100, 50 + stroke * 60);
    costs.push(performance.now() - before);
    const now = await frame();
    frames.push(now - last);
    last = now;
  }
}
// What takes a figure away out of the midst of all others.
const mends = [];
for (let n = 1; n <= 50; n += 1) {
  const before = performance.now();
  board.handleDrawn({ by: 'eva', n, act: { erase: { figures: [{ by: 'ann', n }] } } });
  element.querySelector('canvas').getContext('2d').getImageData(0, 0, 1, 1);
  mends.push(performance.now() - before);
}
board.close();
return { first, frames, costs, mends };
