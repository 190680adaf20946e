import { ask } from './confirm.js';
import { focusIn, iconButton, make } from './dom.js';
import { words } from './text.js';

/** @import { BoardTool, WhiteBoard } from '../sdk/hst-rtc-engine.js' */

/** @type {readonly BoardTool[]} */
const TOOLS = ['curve', 'line', 'rect', 'ellipse', 'text', 'eraser', 'gmov'];
const COLORS = ['#1c232b', '#d93a45', '#e08a1e', '#2f9e62', '#2b6fd6', '#8149c9'];
/** In pixels of the board. */
const SIZES = [3, 6, 12];
/** How long a new page is waited for, in ms: a board may have no room for one. */
const PATIENCE = 3_000;
/** Between the leaf and what is around it, in pixels. */
const MARGIN = 8;

/** The bar under a white board: what the hand does, with which ink, and on which page. */
export class BoardTools {
  element = make('div', { class: 'tools' });
  #board;
  #color = 0;
  #size = 0;
  #isInkOpen = false;

  /** @param {WhiteBoard} board */
  constructor(board) {
    this.#board = board;
    this.element.onkeydown = (event) => this.#handleKey(event);
    board.brushColor(COLORS[0]);
    board.brushSize(SIZES[0]);
    board.edit(true).then(() => this.update());
    this.update();
  }

  /** Writes the bar as the board is now. */
  update() {
    const board = this.#board;
    const focused = document.activeElement?.getAttribute('data-tool');
    if (!board.edit()) {
      this.element.replaceChildren(make('p', { class: 'looks' }, [words().boardLooks]), this.#pages());
      return;
    }
    const tools = TOOLS.map((tool) => {
      const isChosen = board.toolType() === tool;
      return this.#button(tool, tool, words()[tool], () => board.toolType(tool), { 'aria-pressed': String(isChosen) });
    });
    const acts = [
      this.#button('undo', 'undo', words().undo, () => board.revoke()),
      this.#button('redo', 'redo', words().redo, () => board.restore()),
      this.#button('trash', 'clear', words().clearPage, () => this.#clear()),
    ];
    this.element.setAttribute('role', 'toolbar');
    this.element.setAttribute('aria-label', words().tools);
    this.element.replaceChildren(
      make('div', { class: 'group' }, tools),
      make('div', { class: 'group' }, [this.#ink(), ...acts]),
      this.#pages(),
    );
    if (focused) focusIn(this.element, `[data-tool="${focused}"]`);
  }

  /** Colour and size, in a leaf that opens. */
  #ink() {
    const dot = make('span', { class: 'dot' });
    dot.style.setProperty('--color', COLORS[this.#color]);
    dot.style.setProperty('--size', `${10 + this.#size * 4}px`);
    const opener = make(
      'button',
      {
        type: 'button',
        class: 'icon',
        'data-tool': 'ink',
        'aria-label': words().ink,
        title: words().ink,
        'aria-expanded': String(this.#isInkOpen),
      },
      [dot],
    );
    opener.onclick = () => this.#openInk(!this.#isInkOpen);
    const leaf = make('div', { class: 'leaf', hidden: !this.#isInkOpen }, [
      make(
        'div',
        { role: 'group', 'aria-label': words().color },
        COLORS.map((color, at) => this.#swatch(color, at)),
      ),
      make(
        'div',
        { role: 'group', 'aria-label': words().size },
        SIZES.map((_, at) => this.#sizeButton(at)),
      ),
    ]);
    if (this.#isInkOpen) requestAnimationFrame(() => place(leaf, opener));
    return make('div', { class: 'ink' }, [opener, leaf]);
  }

  /**
   * @param {string} color
   * @param {number} at
   */
  #swatch(color, at) {
    const swatch = this.#inkButton(`color-${at}`, words().colors[at], at === this.#color, 18, color);
    swatch.onclick = () => {
      this.#color = at;
      this.#board.brushColor(color);
      this.update();
    };
    return swatch;
  }

  /** @param {number} at */
  #sizeButton(at) {
    const button = this.#inkButton(`size-${at}`, words().sizes[at], at === this.#size, 6 + at * 6, 'currentcolor');
    button.onclick = () => {
      this.#size = at;
      this.#board.brushSize(SIZES[at]);
      this.update();
    };
    return button;
  }

  /**
   * @param {string} tool
   * @param {string} label
   * @param {boolean} isChosen
   * @param {number} size
   * @param {string} color
   */
  #inkButton(tool, label, isChosen, size, color) {
    const dot = make('span', { class: 'dot' });
    dot.style.setProperty('--color', color);
    dot.style.setProperty('--size', `${size}px`);
    const attributes = { 'data-tool': tool, 'aria-label': label, title: label, 'aria-pressed': String(isChosen) };
    return make('button', { type: 'button', class: 'icon', ...attributes }, [dot]);
  }

  #pages() {
    const board = this.#board;
    const [page, count] = [board.page(), board.pageCount()];
    const back = this.#button('back', 'page-back', words().previousPage, () => board.page(page - 1), {
      disabled: page === 0,
    });
    const forth = this.#button('forth', 'page-forth', words().nextPage, () => board.page(page + 1), {
      disabled: page >= count - 1,
    });
    const add = this.#button('plus', 'page-add', words().addPage, () => this.#addPage());
    return make('div', { class: 'group' }, [
      back,
      make('span', { class: 'page' }, [`${page + 1} / ${count}`]),
      forth,
      ...(board.edit() ? [add] : []),
    ]);
  }

  /** A new page is there when the server has said so: then it is turned to, for everybody. */
  #addPage() {
    const board = this.#board;
    board.addPage();
    const count = board.pageCount();
    const until = performance.now() + PATIENCE;
    const turn = () => {
      if (board.pageCount() > count) board.page(count);
      else if (performance.now() < until) requestAnimationFrame(turn);
    };
    turn();
  }

  async #clear() {
    if (await ask(words().clearAsk)) this.#board.clear();
  }

  /**
   * @param {string} sign
   * @param {string} tool
   * @param {string} label
   * @param {() => unknown} work
   * @param {Record<string, string | boolean>} [attributes]
   */
  #button(sign, tool, label, work, attributes = {}) {
    const button = iconButton(sign, label, { 'data-tool': tool, ...attributes });
    button.onclick = () => {
      work();
      this.update();
    };
    return button;
  }

  /** @param {boolean} isOpen */
  #openInk(isOpen) {
    this.#isInkOpen = isOpen;
    this.update();
  }

  /** The arrow keys go from tool to tool; Esc closes the leaf and nothing else. @param {KeyboardEvent} event */
  #handleKey(event) {
    if (event.key === 'Escape' && this.#isInkOpen) {
      event.stopPropagation();
      this.#openInk(false);
      focusIn(this.element, '[data-tool="ink"]');
    }
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const all = [...this.element.querySelectorAll('button:not(:disabled)')].filter((one) => one.checkVisibility());
    const at = all.indexOf(/** @type {Element} */ (document.activeElement));
    /** @type {HTMLElement | undefined} */ (all.at((at + step) % all.length))?.focus();
  }
}

/**
 * Puts a leaf over what opened it, inside of the window.
 * @param {HTMLElement} leaf
 * @param {HTMLElement} opener
 */
function place(leaf, opener) {
  const { left, top, width } = opener.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = leaf;
  const most = document.documentElement.clientWidth - offsetWidth - MARGIN;
  const middle = left + (width - offsetWidth) / 2;
  leaf.style.setProperty('left', `${Math.max(Math.min(middle, most), MARGIN)}px`);
  leaf.style.setProperty('top', `${Math.max(top - offsetHeight - MARGIN, MARGIN)}px`);
}
