import { BoardHistory } from './board_history.js';
import { BoardState } from './board_state.js';
import { BoardTools } from './board_tools.js';
import { BoardView } from './board_view.js';

/**
 * @typedef {import('./board_state.js').Figure} Figure
 * @typedef {import('./board_state.js').Part} Part
 *
 * @typedef {object} BoardContext what a board leans on
 * @property {string} self the own User ID
 * @property {(command: Record<string, object>) => Promise<any>} ask
 * @property {(sketch: object) => void} sketch
 * @property {() => import('./boards.js').Fit} fitOf
 * @property {(error: any) => void} report
 * @property {(page: number) => void} onPage another page is turned to
 */

/** How long the sketch of somebody is shown who goes on no more, in ms. */
const SKETCH_LASTS = 5_000;

/** One white board, from when it is received until it is not. */
export class Board {
  /** What the application draws with. @type {import('./types.js').WhiteBoard | null} */
  handle = null;

  #id;
  #context;
  /** @type {BoardState | null} */
  #state = null;
  /** What is being read anew, from its first part on. @type {BoardState | null} */
  #next = null;
  /** Counts the times that it is read: only the last one counts. */
  #turn = 0;
  /** @type {Promise<BoardState> | null} */
  #latest = null;
  /** @type {BoardView | null} */
  #view = null;
  /** @type {BoardTools | null} */
  #tools = null;
  /** The number of the last own act, carried out or not. */
  #n = 0;
  /** The number of the own figure that others are shown while it is drawn. */
  #sketch = 1;
  /** Own acts that have not come back. @type {Map<number, Record<string, any>>} */
  #due = new Map();
  #history = new BoardHistory({ act: (act) => this.#ask(act), stands: (done) => this.#stands(done) });
  /** What others are drawing. @type {Map<string, { n: number, figures: Figure[], timer: any }>} */
  #sketches = new Map();
  #isOpen = true;
  #mayEdit = false;

  /**
   * @param {string} id
   * @param {BoardContext} context
   */
  constructor(id, context) {
    this.#id = id;
    this.#context = context;
  }

  /**
   * Reads all that is on it, the first time or again; meanwhile it shows what it knows.
   * @returns {Promise<BoardState>}
   */
  read() {
    this.#latest = this.#read((this.#turn += 1));
    return this.#latest;
  }

  /** @param {HTMLElement | null} element */
  show(element) {
    this.#view?.show(element);
  }

  refit() {
    this.#view?.refit();
  }

  /** @param {{ by: string, n: number, act: Record<string, any> }} drawn */
  handleDrawn(drawn) {
    const { by, n, act } = drawn;
    if (by === this.#context.self) this.#settle(n);
    else if (act.add) this.#forget(by);
    this.#next?.apply(drawn);
    const state = this.#state;
    if (!state) return;
    const page = state.page;
    this.#view?.change(state.apply(drawn));
    if (state.page !== page) this.#context.onPage(state.page);
  }

  /** @param {{ by: string, n: number, figure: Figure }} sketched */
  handleSketched({ by, n, figure }) {
    const known = this.#sketches.get(by);
    clearTimeout(known?.timer);
    const goesOn = known?.n === n && figure.kind === 'curve';
    const timer = setTimeout(() => this.#forget(by), SKETCH_LASTS);
    this.#sketches.set(by, { n, figures: goesOn ? [...known.figures, figure] : [figure], timer });
    this.#view?.repaint();
  }

  close() {
    this.#isOpen = false;
    this.handle = null;
    this.#tools?.stop();
    this.#view?.show(null);
    for (const by of [...this.#sketches.keys()]) this.#forget(by);
  }

  /**
   * Asks for an act; it is shown when it comes back, and a figure at once.
   * @param {Record<string, any>} act
   * @param {object} [gesture] acts of one gesture are undone together
   */
  act(act, gesture) {
    if (this.#isOpen) this.#history.record({ n: this.#ask(act), act }, this.page, gesture);
  }

  /** @param {boolean} on */
  edit(on) {
    const mayEdit = on && !!this.#state?.writable;
    if (mayEdit === this.#mayEdit) return;
    this.#mayEdit = mayEdit;
    if (mayEdit) this.#tools?.start();
    else this.#tools?.stop();
  }

  get isEdited() {
    return this.#mayEdit;
  }

  get page() {
    return this.#state?.page ?? 0;
  }

  get pageCount() {
    return this.#state?.pages.length ?? 0;
  }

  /** Undoes what one did last on the page: drawing, moving, erasing or clearing. */
  undo() {
    if (this.#isOpen) this.#history.undo(this.page);
  }

  /** Does again what was undone last. */
  redo() {
    if (this.#isOpen) this.#history.redo(this.page);
  }

  /**
   * @param {Record<string, any>} act
   * @returns {number} its number
   */
  #ask(act) {
    const n = (this.#n += 1);
    this.#due.set(n, act);
    this.#view?.repaint();
    const { ask, report } = this.#context;
    ask({ draw: { board: this.#id, n, act } }).then(
      () => this.#settle(n),
      (error) => {
        this.#settle(n);
        this.#history.drop(n);
        if (this.#isOpen) report(error);
      },
    );
    return n;
  }

  /** @param {number} [after] */
  #part(after) {
    const above = after === undefined ? {} : { after };
    /** @type {Promise<Part>} */
    const part = this.#context.ask({ open_board: { board: this.#id, ...above } });
    return part;
  }

  /**
   * @param {number} turn
   * @returns {Promise<BoardState>}
   */
  async #read(turn) {
    this.#next = null;
    let part = await this.#part();
    const next = new BoardState(part);
    while (this.#isOpen && turn === this.#turn) {
      // From now on acts come for it too.
      this.#next = next;
      if (part.next === undefined) break;
      part = await this.#part(part.next);
      next.add(part.figures);
    }
    if (!this.#isOpen) return next;
    if (turn !== this.#turn) return /** @type {Promise<BoardState>} */ (this.#latest);
    this.#take(next);
    return next;
  }

  /** @param {BoardState} state */
  #take(state) {
    this.#next = null;
    const before = this.#state;
    this.#state = state;
    this.#n = Math.max(this.#n, state.own);
    if (this.#view) {
      this.#view.reset(state);
      if (before && before.page !== state.page) this.#context.onPage(state.page);
      return;
    }
    for (const { page, ...done } of state.doneBy(this.#context.self)) this.#history.record(done, page);
    const view = new BoardView(state, this.#context.fitOf);
    view.live = () => this.#live();
    this.#view = view;
    this.#tools = new BoardTools(view, {
      page: () => this.page,
      shown: () => this.#state?.shown(this.page) ?? [],
      act: (act, gesture) => this.act(act, gesture),
      sketch: (figure) => this.#context.sketch({ board: this.#id, n: this.#sketch, figure }),
      sketched: () => (this.#sketch += 1),
    });
    this.handle = /** @type {any} */ (new BoardHandle(this, this.#tools));
  }

  /** What lies above all that is finished. */
  *#live() {
    for (const { figures } of this.#sketches.values()) yield* figures;
    for (const { add } of this.#due.values()) if (add) yield add;
    yield* this.#tools?.live ?? [];
  }

  /**
   * Whether what an own act did is still there. While own acts are under way nobody knows, and it counts as there.
   * @param {import('./board_history.js').Done} done
   */
  #stands({ n, act: { add, move } }) {
    const [id, state] = [{ by: this.#context.self, n }, this.#state];
    if (this.#due.size > 0) return true;
    if (add) return !!state?.isShown(id);
    if (move) return move.figures.some((/** @type {import('./board_state.js').ActId} */ one) => state?.isShown(one));
    return !!state && state.goneBy(id).length > 0;
  }

  /** An own act has come back, or never will. @param {number} n */
  #settle(n) {
    if (this.#due.delete(n)) this.#view?.repaint();
  }

  /** @param {string} by */
  #forget(by) {
    clearTimeout(this.#sketches.get(by)?.timer);
    if (this.#sketches.delete(by)) this.#view?.repaint();
  }
}

/** What an application draws with: each of its methods gives what is set now. */
class BoardHandle {
  #board;
  #tools;

  /**
   * @param {Board} board
   * @param {BoardTools} tools
   */
  constructor(board, tools) {
    this.#board = board;
    this.#tools = tools;
  }

  /**
   * Without an argument: whether one draws on it. With one: begins or ends that.
   * @param {boolean} [on]
   * @returns {boolean | Promise<boolean>}
   */
  edit(on) {
    if (on === undefined) return this.#board.isEdited;
    this.#board.edit(!!on);
    return Promise.resolve(this.#board.isEdited);
  }

  /** @param {string} [name] gmov, eraser, curve, line, rect, ellipse or text */
  toolType(name) {
    if (name !== undefined) this.#tools.choose(name);
    return this.#tools.tool;
  }

  /** @param {number | string} [size] in pixels of the board */
  brushSize(size) {
    const pixels = Number(size);
    if (pixels > 0 && pixels <= 1000) this.#tools.brush = pixels;
    return this.#tools.brush;
  }

  /** @param {string} [color] as `#rrggbb` */
  brushColor(color) {
    const [, digits] = /^#?([0-9a-f]{6})$/i.exec(color ?? '') ?? [];
    if (digits) this.#tools.color = parseInt(digits, 16);
    return `#${this.#tools.color.toString(16).padStart(6, '0')}`;
  }

  /** Undoes what one did last on the page. */
  revoke() {
    this.#board.undo();
  }

  /** Undoes the last `revoke`, until something new is done on the page. */
  restore() {
    this.#board.redo();
  }

  /** Erases the page, for everybody. */
  clear() {
    this.#board.act({ clear: { page: this.#board.page } });
  }

  /**
   * The page that is turned to, from 0. With an argument: turns to another one, for everybody.
   * @param {number | string} [number]
   */
  page(number) {
    const page = Number(number);
    if (number !== undefined && Number.isInteger(page) && page >= 0 && page < this.#board.pageCount) {
      this.#board.act({ set_page: { page } });
    }
    return this.#board.page;
  }

  pageCount() {
    return this.#board.pageCount;
  }

  /** @param {string} [image] the address of the picture behind what is drawn */
  addPage(image) {
    this.#board.act({ add_page: image ? { image: String(image) } : {} });
  }
}
