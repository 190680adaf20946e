/** How far from its corner anything may be, in tenths of a pixel of the board. */
const MAX_DISTANCE = 1_000_000;

/**
 * @typedef {'curve' | 'line' | 'rect' | 'ellipse' | 'text'} Kind
 *
 * @typedef {object} Figure
 * @property {Kind} kind
 * @property {number} [page]
 * @property {number} [color] red, green and blue, a byte each
 * @property {number} size of the brush, in tenths of a pixel as everything here
 * @property {number[]} points x and y of the first, then the way from each to the next
 * @property {string} [text]
 *
 * @typedef {Figure & { by: string, n: number, hidden?: boolean }} Drawing
 * @typedef {{ image?: string }} Page
 *
 * @typedef {object} Part what the server says of a board
 * @property {string} [name]
 * @property {number} width
 * @property {number} height
 * @property {Page[]} pages
 * @property {number} page
 * @property {number} own
 * @property {boolean} writable
 * @property {Drawing[]} figures
 * @property {number} [next] from where to go on
 *
 * @typedef {object} Change what an act has changed
 * @property {Drawing} [added] it lies on top now
 * @property {{ figure: Figure, page: number }[]} touched where a picture has to be made again
 * @property {number} [cleared] a page without figures
 * @property {boolean} [turned] another page is turned to, or there are more
 */

/** What is on a board, by the parts that the server has told and by all acts since the first of them. */
export class BoardState {
  /** In the order in which they lie on each other. @type {Map<string, Drawing>} */
  #figures = new Map();

  /** @param {Part} part the first one */
  constructor(part) {
    this.name = part.name ?? '';
    this.width = part.width;
    this.height = part.height;
    this.pages = part.pages;
    this.page = part.page;
    /** The number of the last own act that the server knows. */
    this.own = part.own;
    this.writable = part.writable;
    this.add(part.figures);
  }

  /**
   * A part has come. What acts have brought meanwhile is in it as well, and lies where it says.
   * @param {Drawing[]} figures
   */
  add(figures) {
    for (const drawing of figures) {
      this.#figures.delete(keyOf(drawing));
      this.#figures.set(keyOf(drawing), drawing);
    }
  }

  /**
   * Those of a page that can be seen.
   * @param {number} page
   * @returns {Drawing[]}
   */
  shown(page) {
    return [...this.#figures.values()].filter((drawing) => !drawing.hidden && pageOf(drawing) === page);
  }

  /**
   * Those of one author on a page, from the first to the last.
   * @param {string} user
   * @param {number} page
   * @returns {Drawing[]}
   */
  of(user, page) {
    return [...this.#figures.values()].filter((drawing) => drawing.by === user && pageOf(drawing) === page);
  }

  /**
   * @param {{ by: string, n: number, act: Record<string, any> }} drawn
   * @returns {Change}
   */
  apply({ by, n, act }) {
    const [[name, fields]] = Object.entries(act);
    switch (name) {
      case 'add':
        for (const drawing of this.of(by, pageOf(fields))) {
          if (drawing.hidden) this.#figures.delete(keyOf(drawing));
        }
        return this.#add({ ...fields, by, n });
      case 'move':
        return this.#move(fields);
      case 'erase':
        return { touched: this.#take(fields.figures.map(keyOf)) };
      case 'hide':
        return this.#setHidden({ by, n: fields.figure }, true);
      case 'show':
        return this.#setHidden({ by, n: fields.figure }, false);
      case 'clear':
        this.#take([...this.#figures].filter(([, drawing]) => pageOf(drawing) === fields.page).map(([key]) => key));
        return { touched: [], cleared: fields.page };
      case 'add_page':
        this.pages = [...this.pages, fields];
        return { touched: [], turned: true };
      case 'set_page':
        this.page = fields.page;
        return { touched: [], turned: true };
      default:
        return { touched: [] };
    }
  }

  /**
   * @param {Drawing} drawing
   * @returns {Change}
   */
  #add(drawing) {
    this.#figures.set(keyOf(drawing), drawing);
    return { added: drawing, touched: [] };
  }

  /**
   * @param {{ figures: { by: string, n: number }[], dx: number, dy: number }} move
   * @returns {Change}
   */
  #move({ figures, dx, dy }) {
    const touched = [];
    for (const id of figures) {
      const drawing = this.#figures.get(keyOf(id));
      if (!drawing) continue;
      const moved = movedBy(drawing, dx, dy);
      // In its old place among the others.
      this.#figures.set(keyOf(id), moved);
      touched.push(drawing, moved);
    }
    return { touched: touched.map(placed) };
  }

  /** @param {string[]} keys */
  #take(keys) {
    const gone = keys.flatMap((key) => this.#figures.get(key) ?? []);
    for (const key of keys) this.#figures.delete(key);
    return gone.map(placed);
  }

  /**
   * @param {{ by: string, n: number }} id
   * @param {boolean} hidden
   * @returns {Change}
   */
  #setHidden(id, hidden) {
    const drawing = this.#figures.get(keyOf(id));
    if (!drawing) return { touched: [] };
    drawing.hidden = hidden;
    return { touched: [placed(drawing)] };
  }
}

/**
 * A figure at another place.
 * @template {Figure} T
 * @param {T} figure
 * @param {number} dx
 * @param {number} dy
 * @returns {T}
 */
export function movedBy(figure, dx, dy) {
  const [x, y, ...ways] = figure.points;
  return { ...figure, points: [within(x + dx), within(y + dy), ...ways] };
}

/** @param {Figure} figure */
export function pageOf(figure) {
  return figure.page ?? 0;
}

/** @param {number} place */
function within(place) {
  return Math.min(Math.max(place, -MAX_DISTANCE), MAX_DISTANCE);
}

/** @param {Figure} figure */
function placed(figure) {
  return { figure, page: pageOf(figure) };
}

/** @param {{ by: string, n: number }} id no name contains a slash */
function keyOf({ by, n }) {
  return `${by}/${n}`;
}
