import { around, boxOf, overlaps, paint } from './board_paint.js';
import { pageOf } from './board_state.js';

/**
 * @typedef {import('./board_state.js').BoardState} BoardState
 * @typedef {import('./board_state.js').Change} Change
 * @typedef {import('./board_state.js').Figure} Figure
 * @typedef {import('./board_paint.js').Box} Box
 * @typedef {import('./boards.js').Fit} Fit
 */

/** How a board fits: all of it is in the element, or it covers the element; any other way is by a percentage. */
const [FIT_WHOLE, FIT_FILLED] = [1, 2];
/** The most pages whose pictures are kept; the others are painted when they are turned to. */
const MAX_LAYERS = 4;
/** So many places of a page are painted again one by one. */
const MAX_BOXES = 8;
/** The largest side of a canvas that all browsers have, in its pixels. */
const MAX_SIDE = 4096;

/**
 * A board in an element. What is finished is in one picture a page: a new figure is added to it, and only what has changed
 * is painted again. What is being drawn is in another one above it.
 */
export class BoardView {
  /** Takes the pointer. */
  stage = document.createElement('div');
  /** What is being drawn, by anybody. @type {() => Iterable<Figure>} */
  live = () => [];

  #state;
  #fitOf;
  #image = document.createElement('img');
  #live = document.createElement('canvas');
  /** Never shown. */
  #spare = document.createElement('canvas');
  /** The pictures of pages, the one turned to last behind the others. @type {Map<number, HTMLCanvasElement>} */
  #layers = new Map();
  /** @type {HTMLElement | null} */
  #element = null;
  #watch = new ResizeObserver(() => this.refit());
  /** Pixels of the screen for one of the board. */
  #scale = 1;
  /** Pixels of a canvas for one of the board. */
  #density = 1;
  #frame = 0;

  /**
   * @param {BoardState} state
   * @param {() => Fit} fitOf
   */
  constructor(state, fitOf) {
    this.#state = state;
    this.#fitOf = fitOf;
    const style = { position: 'relative', margin: 'auto', background: '#fff', overflow: 'hidden' };
    Object.assign(this.stage.style, style);
    for (const layer of [this.#image, this.#live]) cover(layer);
    this.#live.style.pointerEvents = 'none';
    this.#image.draggable = false;
  }

  /** @param {HTMLElement | null} element without one it is shown nowhere */
  show(element) {
    if (element === this.#element) return;
    this.#watch.disconnect();
    this.stage.remove();
    this.#element = element;
    if (!element) return;
    element.append(this.stage);
    this.#watch.observe(element);
    this.refit();
  }

  /**
   * All is another one.
   * @param {BoardState} state
   */
  reset(state) {
    this.#state = state;
    this.#layers.clear();
    this.refit();
  }

  /** The element has another size, or the board is to fit it in another way. */
  refit() {
    const element = this.#element;
    if (!element) return;
    const { width, height } = this.#state;
    const { mode, percent } = this.#fitOf();
    // With its scroll bars, which come and go with what is chosen here.
    const inner = [element.offsetWidth - 2 * element.clientLeft, element.offsetHeight - 2 * element.clientTop];
    const [across, down] = [inner[0] / width, inner[1] / height];
    const scale =
      mode === FIT_WHOLE ? Math.min(across, down) : mode === FIT_FILLED ? Math.max(across, down) : percent / 100;
    // An element that is not laid out has no size: it will tell when it is.
    if (!(scale > 0)) return;
    const density = Math.min(scale * (globalThis.devicePixelRatio || 1), MAX_SIDE / Math.max(width, height));
    this.#scale = scale;
    element.style.overflow = mode === FIT_WHOLE ? 'hidden' : 'auto';
    Object.assign(this.stage.style, { width: `${width * scale}px`, height: `${height * scale}px` });
    if (density !== this.#density || this.#layers.size === 0) {
      this.#density = density;
      this.#layers.clear();
      this.#measure(this.#live);
      this.#measure(this.#spare);
    }
    this.turn();
  }

  /** Another page is turned to. */
  turn() {
    const { page, pages } = this.#state;
    const { image = '' } = pages[page] ?? {};
    this.#image.hidden = !isPicture(image);
    if (isPicture(image) && this.#image.getAttribute('src') !== image) this.#image.src = image;
    if (!this.#element) return;
    this.stage.replaceChildren(this.#image, this.#layer(page), this.#live);
    this.repaint();
  }

  /** @param {Change} change */
  change({ added, touched, cleared, turned }) {
    if (added) {
      const layer = this.#layers.get(pageOf(added));
      if (layer) paint(this.#brush(layer), added);
    }
    const boxes = touched.map(({ figure, page }) => ({ page, box: boxOf(figure) }));
    for (const page of new Set(boxes.map((one) => one.page))) {
      const mine = boxes.filter((one) => one.page === page).map(({ box }) => box);
      // One large box is painted sooner than many small ones.
      for (const box of mine.length > MAX_BOXES ? [around(mine)] : mine) this.#mend(page, box);
    }
    const blank = cleared === undefined ? null : this.#layers.get(cleared);
    if (blank) wipe(blank);
    if (turned) this.turn();
    this.repaint();
  }

  /** What is being drawn has changed. */
  repaint() {
    if (!this.#element) return;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      wipe(this.#live);
      for (const figure of this.live()) {
        if (pageOf(figure) === this.#state.page) paint(this.#brush(this.#live), figure);
      }
    });
  }

  /**
   * Where on the board the pointer is.
   * @param {{ clientX: number, clientY: number }} event
   * @returns {[number, number]}
   */
  placeOf({ clientX, clientY }) {
    const { left, top } = this.stage.getBoundingClientRect();
    return [Math.round(((clientX - left) / this.#scale) * 10), Math.round(((clientY - top) / this.#scale) * 10)];
  }

  /** How many pixels of the screen a length on the board has. @param {number} tenths */
  onScreen(tenths) {
    return (tenths * this.#scale) / 10;
  }

  /**
   * The picture of a page.
   * @param {number} page
   */
  #layer(page) {
    let layer = this.#layers.get(page);
    this.#layers.delete(page);
    if (!layer) {
      layer = document.createElement('canvas');
      cover(layer);
      this.#measure(layer);
      const brush = this.#brush(layer);
      for (const figure of this.#state.shown(page)) paint(brush, figure);
    }
    this.#layers.set(page, layer);
    const [oldest] = this.#layers.keys();
    if (this.#layers.size > MAX_LAYERS) this.#layers.delete(oldest);
    return layer;
  }

  /**
   * Paints a part of a page again. What lies there is painted whole beside it, and the part is copied: at the border of a
   * clipping, a figure would get other shades than everywhere else.
   * @param {number} page
   * @param {Box} box
   */
  #mend(page, box) {
    const layer = this.#layers.get(page);
    if (!layer) return;
    const unit = this.#density / 10;
    const left = Math.max(Math.floor(box.left * unit) - 1, 0);
    const top = Math.max(Math.floor(box.top * unit) - 1, 0);
    const width = Math.min(Math.ceil(box.right * unit) + 1, layer.width) - left;
    const height = Math.min(Math.ceil(box.bottom * unit) + 1, layer.height) - top;
    if (width <= 0 || height <= 0) return;
    const whole = {
      left: left / unit,
      top: top / unit,
      right: (left + width) / unit,
      bottom: (top + height) / unit,
    };
    wipe(this.#spare);
    const aside = this.#brush(this.#spare);
    for (const figure of this.#state.shown(page)) {
      if (overlaps(boxOf(figure), whole)) paint(aside, figure);
    }
    const brush = this.#brush(layer);
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(left, top, width, height);
    brush.drawImage(this.#spare, left, top, width, height, left, top, width, height);
  }

  /** @param {HTMLCanvasElement} layer */
  #measure(layer) {
    layer.width = Math.max(Math.round(this.#state.width * this.#density), 1);
    layer.height = Math.max(Math.round(this.#state.height * this.#density), 1);
  }

  /** @param {HTMLCanvasElement} layer */
  #brush(layer) {
    const brush = /** @type {CanvasRenderingContext2D} */ (layer.getContext('2d'));
    const unit = this.#density / 10;
    brush.setTransform(unit, 0, 0, unit, 0, 0);
    return brush;
  }
}

/** @param {HTMLElement} layer */
function cover(layer) {
  Object.assign(layer.style, { position: 'absolute', left: 0, top: 0, width: '100%', height: '100%' });
}

/** @param {HTMLCanvasElement} layer */
function wipe(layer) {
  const brush = /** @type {CanvasRenderingContext2D} */ (layer.getContext('2d'));
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.clearRect(0, 0, layer.width, layer.height);
}

/**
 * Whether an address that somebody else has named may be shown as a picture.
 * @param {string} address
 */
function isPicture(address) {
  return /^(https?:|data:image\/|blob:|\/)/.test(address);
}
