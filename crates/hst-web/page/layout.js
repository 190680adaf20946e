/**
 * Where the stage and the tiles stand in a view. Nothing here knows of a page: numbers go in, rectangles come out, in
 * pixels.
 *
 * @typedef {{ left: number, top: number, width: number, height: number }} Rect
 *
 * @typedef {object} Arrangement
 * @property {Rect | null} stage
 * @property {Rect[]} cells for the tiles of this page, in their order
 * @property {number} from which tile is the first of them
 * @property {number} page from 0
 * @property {number} pages
 */

/** Between two tiles. */
export const GAP = 10;
/** The most tiles that are shown at once. */
export const MAX_TILES = 25;
/** What lies below the tiles when they need several pages. */
const PAGER = 52;
/** Smaller tiles show nobody. */
const LEAST = { width: 104, height: 78 };
/** The flattest tile, and the highest of a broad and a narrow view and of one below a stage, as width by height. */
const FLAT = 16 / 9;
const HIGH = { broad: 4 / 3, narrow: 2 / 3, strip: 4 / 5 };
/** How much of a broad view the strip beside the stage takes, within bounds; and of a narrow one the stage. */
const STRIP = { part: 0.17, least: 150, most: 240 };
const STAGE = 0.58;

/**
 * @param {object} view
 * @param {number} view.width
 * @param {number} view.height
 * @param {number} view.count of tiles, without one that is on the stage
 * @param {boolean} view.isStaged whether something is shown large
 * @param {number} [view.page] one that is not there any more is the last one
 * @returns {Arrangement}
 */
export function arrange({ width, height, count, isStaged, page = 0 }) {
  const all = { left: 0, top: 0, width, height };
  const isBroad = width > height;
  if (isStaged && count === 0) return { stage: all, cells: [], from: 0, page: 0, pages: 1 };
  if (!isStaged) return { stage: null, ...grid(all, isBroad ? HIGH.broad : HIGH.narrow, count, page) };
  if (isBroad) {
    const strip = Math.round(Math.min(Math.max(width * STRIP.part, STRIP.least), STRIP.most));
    const stage = { ...all, width: width - strip - GAP };
    return { stage, ...column({ ...all, left: width - strip, width: strip }, count, page) };
  }
  const high = Math.round(height * STAGE);
  const rest = { left: 0, top: high + GAP, width, height: height - high - GAP };
  return { stage: { ...all, height: high }, ...grid(rest, HIGH.strip, count, page) };
}

/**
 * All of a page alike, as large as they can be.
 * @param {Rect} box
 * @param {number} highest
 * @param {number} count
 * @param {number} page
 */
function grid(box, highest, count, page) {
  let shown = Math.min(count, MAX_TILES);
  let inner = count > shown ? above(box) : box;
  while (shown > 1 && !isLarge(best(inner, highest, shown))) {
    shown -= 1;
    inner = above(box);
  }
  const pages = Math.max(Math.ceil(count / shown), 1);
  // Pages of about the same length look better than a last one with a single tile, and full rows than others.
  const even = Math.ceil(count / pages);
  const { columns, width, height } = best(inner, highest, even);
  const length = pages > 1 ? Math.min(Math.ceil(even / columns) * columns, shown) : even;
  const { from, onPage, at } = cut(count, length, page);
  const rows = Math.ceil(onPage / columns);
  const top = inner.top + (inner.height - rows * height - (rows - 1) * GAP) / 2;
  const cells = Array.from({ length: onPage }, (_, index) => {
    const [row, place] = [Math.floor(index / columns), index % columns];
    // The last row is in the middle.
    const inRow = Math.min(columns, onPage - row * columns);
    const left = inner.left + (inner.width - inRow * width - (inRow - 1) * GAP) / 2;
    return rect(left + place * (width + GAP), top + row * (height + GAP), width, height);
  });
  return { cells, from, page: at, pages };
}

/**
 * One below the other.
 * @param {Rect} box
 * @param {number} count
 * @param {number} page
 */
function column(box, count, page) {
  const height = box.width / FLAT;
  /** @param {Rect} inner */
  const fit = (inner) => Math.max(Math.floor((inner.height + GAP) / (height + GAP)), 1);
  const inner = count > fit(box) ? above(box) : box;
  const pages = Math.max(Math.ceil(count / fit(inner)), 1);
  const { from, onPage, at } = cut(count, Math.ceil(count / pages), page);
  const top = inner.top + Math.max((inner.height - onPage * height - (onPage - 1) * GAP) / 2, 0);
  const cells = Array.from({ length: onPage }, (_, row) => {
    return rect(inner.left, top + row * (height + GAP), box.width, Math.min(height, inner.height));
  });
  return { cells, from, page: at, pages };
}

/**
 * The columns that make so many tiles largest.
 * @param {Rect} box
 * @param {number} highest
 * @param {number} count
 */
function best(box, highest, count) {
  let largest = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const broad = (box.width - GAP * (columns - 1)) / columns;
    const high = (box.height - GAP * (rows - 1)) / rows;
    const width = Math.max(Math.min(broad, high * FLAT), 0);
    const height = Math.max(Math.min(high, width / highest), 0);
    if (width * height > largest.width * largest.height) largest = { columns, width, height };
  }
  return largest;
}

/**
 * Which tiles are on a page.
 * @param {number} count
 * @param {number} length of a page
 * @param {number} page
 */
function cut(count, length, page) {
  const at = Math.min(Math.max(page, 0), Math.max(Math.ceil(count / length) - 1, 0));
  const from = at * length;
  return { at, from, onPage: Math.max(Math.min(length, count - from), 0) };
}

/** @param {{ width: number, height: number }} tile */
function isLarge({ width, height }) {
  return width >= LEAST.width && height >= LEAST.height;
}

/** A box without the place for the pager below. @param {Rect} box @returns {Rect} */
function above(box) {
  return { ...box, height: Math.max(box.height - PAGER, 0) };
}

/**
 * Whole pixels: what lies between two looks blurred.
 * @param {number} left
 * @param {number} top
 * @param {number} width
 * @param {number} height
 * @returns {Rect}
 */
function rect(left, top, width, height) {
  return { left: Math.floor(left), top: Math.floor(top), width: Math.floor(width), height: Math.floor(height) };
}
