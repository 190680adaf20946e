import { colorOf, fontOf, isTouched } from './board_paint.js';
import { MAX_TOUCHED, movedBy } from './board_state.js';

/**
 * @typedef {import('./board_state.js').Drawing} Drawing
 * @typedef {import('./board_state.js').Figure} Figure
 * @typedef {import('./board_state.js').Kind} Kind
 * @typedef {import('./board_view.js').BoardView} BoardView
 * @typedef {'gmov' | 'eraser' | Kind} Tool
 *
 * @typedef {object} Table what tools work on
 * @property {() => number} page
 * @property {() => Drawing[]} shown the figures of the page
 * @property {(act: Record<string, any>, gesture?: object) => void} act acts of one gesture are undone together
 * @property {(figure: Figure) => void} sketch shows the others what is new of a figure
 * @property {() => void} sketched the figure is another one from now on
 */

/** @type {readonly string[]} */
const TOOLS = ['gmov', 'eraser', 'curve', 'line', 'rect', 'ellipse', 'text'];
/** The most points of one figure: a longer curve goes on as another one. */
const MAX_POINTS = 1024;
/** How often others are shown what is new, in ms. */
const SKETCH_EVERY = 50;
/** How near to a figure it is touched, in tenths of a pixel of the board. */
const REACH = 80;
/** The height of letters for a brush of one pixel, and how much more for each further one. */
const [LETTERS, LETTERS_MORE] = [180, 60];

/** What a hand does on a board: it draws, moves, erases and writes. */
export class BoardTools {
  /** @type {Tool} */
  tool = 'curve';
  /** In pixels of the board. */
  brush = 2;
  /** Red, green and blue, a byte each. */
  color = 0;
  /** What is being drawn or moved here. @type {Figure[]} */
  live = [];

  #view;
  #table;
  /** The pointer that is down. @type {number | null} */
  #pointer = null;
  /** What it does until it is lifted is undone together. */
  #gesture = {};
  /** Where it was put down, and where it was last. @type {[number, number]} */
  #from = [0, 0];
  /** @type {[number, number]} */
  #last = [0, 0];
  /** What the others have been shown of a curve: so many numbers. */
  #shown = 0;
  #shownAt = 0;
  /** What is being moved. @type {Drawing | null} */
  #held = null;
  /** What is being erased, until it is said. @type {Map<Drawing, { by: string, n: number }>} */
  #erased = new Map();
  /** @type {HTMLTextAreaElement | null} */
  #writing = null;
  #on = new AbortController();

  /**
   * @param {BoardView} view
   * @param {Table} table
   */
  constructor(view, table) {
    this.#view = view;
    this.#table = table;
  }

  /** @param {unknown} name any other than those that there are is no tool */
  choose(name) {
    if (!TOOLS.includes(String(name))) return;
    this.#finishWriting();
    this.tool = /** @type {Tool} */ (name);
  }

  start() {
    const { stage } = this.#view;
    this.#on = new AbortController();
    const { signal } = this.#on;
    stage.style.touchAction = 'none';
    stage.addEventListener('pointerdown', (event) => this.#down(event), { signal });
    stage.addEventListener('pointermove', (event) => this.#move(event), { signal });
    stage.addEventListener('pointerup', (event) => this.#up(event), { signal });
    stage.addEventListener('pointercancel', (event) => this.#up(event), { signal });
  }

  stop() {
    this.#on.abort();
    this.#finishWriting();
    if (this.#pointer !== null) this.#finish();
    this.#view.stage.style.touchAction = '';
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (this.#pointer !== null || event.button !== 0 || event.target === this.#writing) return;
    const place = this.#view.placeOf(event);
    this.#finishWriting();
    if (this.tool === 'text') {
      // Not before the browser has given the focus to what was touched.
      event.preventDefault();
      this.#write(place);
      return;
    }
    this.#pointer = event.pointerId;
    this.#gesture = {};
    // One that is gone already cannot be held.
    if (event.isTrusted) this.#view.stage.setPointerCapture(event.pointerId);
    this.#from = this.#last = place;
    this.#shown = 0;
    if (this.tool === 'eraser') this.#erase(place);
    else if (this.tool === 'gmov') this.#held = this.#touched(place)[0] ?? null;
    else this.live = [this.#figure(this.tool, place)];
    this.#view.repaint();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    // A browser hands out the places of one frame together.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length > 0 ? events : [event]) this.#go(this.#view.placeOf(one));
    this.#view.repaint();
  }

  /** @param {[number, number]} place */
  #go(place) {
    const [x, y] = place;
    const [lastX, lastY] = this.#last;
    if (x === lastX && y === lastY) return;
    if (this.tool === 'eraser') this.#erase(place);
    else if (this.tool !== 'gmov') this.#draw(place);
    else if (this.#held) this.live = [movedBy(this.#held, x - this.#from[0], y - this.#from[1])];
    this.#last = place;
  }

  /** @param {[number, number]} place */
  #draw([x, y]) {
    const [figure] = this.live;
    if (!figure) return;
    if (figure.kind !== 'curve') {
      const [fromX, fromY] = this.#from;
      this.live = [{ ...figure, points: [fromX, fromY, x - fromX, y - fromY] }];
    } else if (figure.points.length >= 2 * MAX_POINTS) {
      this.#table.act({ add: figure }, this.#gesture);
      this.#shown = 0;
      this.live = [this.#figure('curve', this.#last)];
      this.#draw([x, y]);
      return;
    } else {
      // Another object each time: what is painted is remembered by it.
      this.live = [{ ...figure, points: [...figure.points, x - this.#last[0], y - this.#last[1]] }];
    }
    const now = performance.now();
    if (now - this.#shownAt < SKETCH_EVERY) return;
    this.#shownAt = now;
    this.#table.sketch(this.#news(this.live[0], [x, y]));
  }

  /**
   * What of a figure the others have not been shown.
   * @param {Figure} figure
   * @param {[number, number]} place its last point
   * @returns {Figure}
   */
  #news(figure, place) {
    if (figure.kind !== 'curve' || this.#shown === 0) {
      this.#shown = figure.points.length;
      return figure;
    }
    const ways = figure.points.slice(this.#shown);
    this.#shown = figure.points.length;
    let [x, y] = place;
    for (let at = 0; at < ways.length; at += 2) [x, y] = [x - ways[at], y - ways[at + 1]];
    return { ...figure, points: [x, y, ...ways] };
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    if (event.type === 'pointerup') this.#go(this.#view.placeOf(event));
    this.#finish();
  }

  #finish() {
    this.#pointer = null;
    const [figure] = this.live;
    this.live = [];
    if (this.#held) {
      const { by, n } = this.#held;
      const [dx, dy] = [this.#last[0] - this.#from[0], this.#last[1] - this.#from[1]];
      if (dx !== 0 || dy !== 0) this.#table.act({ move: { figures: [{ by, n }], dx, dy } });
      this.#held = null;
    } else if (figure && (figure.kind === 'curve' || figure.points.length === 4)) {
      this.#table.act({ add: figure }, this.#gesture);
      this.#table.sketched();
    }
    this.#tellErased();
    this.#view.repaint();
  }

  /** @param {[number, number]} place */
  #erase(place) {
    for (const drawing of this.#touched(place)) this.#erased.set(drawing, { by: drawing.by, n: drawing.n });
    const now = performance.now();
    if (now - this.#shownAt < SKETCH_EVERY) return;
    this.#shownAt = now;
    this.#tellErased();
  }

  #tellErased() {
    const figures = [...this.#erased.values()];
    this.#erased.clear();
    while (figures.length > 0) this.#table.act({ erase: { figures: figures.splice(0, MAX_TOUCHED) } }, this.#gesture);
  }

  /**
   * The figures at a place, the topmost first.
   * @param {[number, number]} place
   */
  #touched([x, y]) {
    return this.#table
      .shown()
      .filter((drawing) => isTouched(drawing, x, y, REACH))
      .reverse();
  }

  /**
   * @param {Kind} kind
   * @param {[number, number]} place
   * @returns {Figure}
   */
  #figure(kind, place) {
    return { kind, page: this.#table.page(), color: this.color, size: Math.round(this.brush * 10), points: [...place] };
  }

  /**
   * A text is written into a field over the board.
   * @param {[number, number]} place
   */
  #write(place) {
    const size = LETTERS + LETTERS_MORE * Math.max(Math.round(this.brush) - 1, 0);
    const figure = { ...this.#figure('text', place), size };
    const field = document.createElement('textarea');
    const [left, top] = place.map((tenths) => `${this.#view.onScreen(tenths)}px`);
    const font = fontOf({ ...figure, size: this.#view.onScreen(size) });
    Object.assign(field.style, {
      position: 'absolute', left, top, font, lineHeight: 1.25, color: colorOf(figure), padding: 0, margin: 0,
      border: 'none', outline: '1px dashed #888', background: 'transparent', minWidth: '8em', zIndex: 1,
    }); // prettier-ignore
    field.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === 'Escape') field.value = '';
      if (event.key === 'Escape' || (event.key === 'Enter' && !event.shiftKey)) {
        event.preventDefault();
        this.#finishWriting();
      }
    };
    field.onblur = () => this.#finishWriting();
    field.maxLength = 300;
    this.#writing = field;
    this.#pending = figure;
    this.#view.stage.append(field);
    field.focus();
  }

  /** What the text in the field becomes. @type {Figure | null} */
  #pending = null;

  #finishWriting() {
    const [field, figure] = [this.#writing, this.#pending];
    if (!field || !figure) return;
    [this.#writing, this.#pending] = [null, null];
    field.remove();
    const text = field.value.trimEnd();
    if (text) this.#table.act({ add: { ...figure, text } });
  }
}
