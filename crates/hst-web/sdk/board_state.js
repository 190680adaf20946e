/** How far from its corner anything may be, in tenths of a pixel of the board. */
const MAX_DISTANCE = 1_000_000;
/** So many acts of its author later, what an act took away is forgotten when he takes away something else. */
const MAX_BEHIND = 200;
/** The most figures that one act touches. */
export const MAX_TOUCHED = 128;

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
 * @typedef {{ by: string, n: number }} ActId whose act, and which; a figure is named by the one that drew it
 * @typedef {Figure & ActId & { gone?: ActId }} Drawing `gone` names the act that took it away; it may be brought back
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
    return this.#where((drawing) => !drawing.gone && pageOf(drawing) === page);
  }

  /** Whether a figure can be seen. @param {ActId} id */
  isShown(id) {
    const drawing = this.#figures.get(keyOf(id));
    return !!drawing && !drawing.gone;
  }

  /**
   * What an act took away and may be brought back.
   * @param {ActId} act
   * @returns {Drawing[]}
   */
  goneBy(act) {
    return this.#where(({ gone }) => !!gone && isSame(gone, act));
  }

  /**
   * The acts of somebody that can be undone, from the first to the last; those that moved something are not known.
   * @param {string} user
   * @returns {{ n: number, act: Record<string, any>, page: number }[]}
   */
  doneBy(user) {
    const acts = new Map();
    for (const drawing of this.#figures.values()) {
      const [{ by, n, gone }, page] = [drawing, pageOf(drawing)];
      if (by === user && !gone) acts.set(n, { n, act: { add: drawing }, page });
      // What he took back himself is undone already.
      if (gone?.by !== user || isSame(gone, drawing)) continue;
      const known = acts.get(gone.n) ?? { n: gone.n, act: { erase: { figures: [] } }, page };
      const figures = [...(known.act.erase?.figures ?? []), { by, n }];
      // So many are taken away by clearing a page only.
      if (figures.length > MAX_TOUCHED) known.act = { clear: { page } };
      else if (known.act.erase) known.act = { erase: { figures } };
      acts.set(gone.n, known);
    }
    return [...acts.values()].sort((a, b) => a.n - b.n);
  }

  /**
   * @param {{ by: string, n: number, act: Record<string, any> }} drawn
   * @returns {Change}
   */
  apply({ by, n, act }) {
    const [[name, fields]] = Object.entries(act);
    switch (name) {
      case 'add':
        this.#forget((one) => one.by === by && pageOf(one) === pageOf(fields) && !!one.gone && isSame(one.gone, one));
        return this.#add({ ...fields, by, n });
      case 'move':
        return this.#move(fields);
      case 'erase':
        this.#forgetOlder(by, n);
        return { touched: this.#take(fields.figures, { by, n }) };
      case 'clear':
        this.#forgetOlder(by, n);
        this.#take(this.shown(fields.page), { by, n });
        return { touched: [], cleared: fields.page };
      case 'hide':
        return { touched: this.#take([{ by, n: fields.figure }], { by, n: fields.figure }) };
      case 'restore':
        return this.#restore({ by, n: fields.act });
      case 'forget':
        this.#forget((drawing) => !!drawing.gone);
        return { touched: [] };
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
   * @param {{ figures: ActId[], dx: number, dy: number }} move
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

  /**
   * An act takes figures away, but those that another one took.
   * @param {ActId[]} figures
   * @param {ActId} act
   */
  #take(figures, act) {
    const taken = figures.flatMap((id) => this.#figures.get(keyOf(id)) ?? []).filter(({ gone }) => !gone);
    for (const drawing of taken) drawing.gone = act;
    return taken.map(placed);
  }

  /**
   * @param {ActId} act
   * @returns {Change}
   */
  #restore(act) {
    const back = this.goneBy(act);
    for (const drawing of back) delete drawing.gone;
    return { touched: back.map(placed) };
  }

  /**
   * What somebody took away long ago will not be wanted back.
   * @param {string} by
   * @param {number} n the number of his act now
   */
  #forgetOlder(by, n) {
    this.#forget(({ gone }) => gone?.by === by && gone.n < n - MAX_BEHIND);
  }

  /** @param {(drawing: Drawing) => boolean} isMeant */
  #forget(isMeant) {
    for (const drawing of this.#where(isMeant)) this.#figures.delete(keyOf(drawing));
  }

  /** @param {(drawing: Drawing) => boolean} isMeant */
  #where(isMeant) {
    return [...this.#figures.values()].filter(isMeant);
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

/** @param {ActId} id no name contains a slash */
function keyOf({ by, n }) {
  return `${by}/${n}`;
}

/**
 * @param {ActId} a
 * @param {ActId} b
 */
function isSame(a, b) {
  return a.by === b.by && a.n === b.n;
}
