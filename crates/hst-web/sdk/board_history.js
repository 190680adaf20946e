import { pageOf } from './board_state.js';

/** So many steps are known; what was done before them stays. */
const MAX_STEPS = 200;

/**
 * @typedef {Record<string, any>} Act
 * @typedef {{ n: number, act: Act }} Done an act and its number
 * @typedef {{ page: number, gesture?: object, acts: Done[] }} Step what a hand does in one go
 *
 * @typedef {object} Hand what carries out acts of one's own
 * @property {(act: Act) => number} act asks for it, and gives its number
 * @property {(done: Done) => boolean} stands whether what it did is still there
 */

/** What one has done on a board and may undo, page by page, and what one has undone and may do again. */
export class BoardHistory {
  /** @type {Step[]} */
  #done = [];
  /** @type {Step[]} */
  #undone = [];
  #hand;

  /** @param {Hand} hand */
  constructor(hand) {
    this.#hand = hand;
  }

  /**
   * Something new was done: what was undone on that page cannot be done again.
   * @param {Done} done
   * @param {number} page the one that is turned to
   * @param {object} [gesture] acts of one gesture are undone together
   */
  record({ n, act }, page, gesture) {
    if (!inverseOf({ n, act })) return;
    const on = act.add ? pageOf(act.add) : (act.clear?.page ?? page);
    this.#undone = this.#undone.filter((step) => step.page !== on);
    const last = this.#done.at(-1);
    if (gesture && last?.gesture === gesture) last.acts.push({ n, act });
    else this.#done.push({ page: on, gesture, acts: [{ n, act }] });
    if (this.#done.length > MAX_STEPS) this.#done.shift();
  }

  /** An act was refused. @param {number} n */
  drop(n) {
    for (const step of this.#done) step.acts = step.acts.filter((done) => done.n !== n);
  }

  /**
   * Undoes the last step of a page that has not come to nothing meanwhile, by what others did.
   * @param {number} page
   */
  undo(page) {
    for (let step = takeLast(this.#done, page); step; step = takeLast(this.#done, page)) {
      if (!step.acts.some((done) => this.#hand.stands(done))) continue;
      for (const done of [...step.acts].reverse()) this.#hand.act(/** @type {Act} */ (inverseOf(done)));
      this.#undone.push(step);
      return;
    }
  }

  /**
   * Does again what was undone last on a page.
   * @param {number} page
   */
  redo(page) {
    const step = takeLast(this.#undone, page);
    if (!step) return;
    step.acts = step.acts.map(({ n, act }) => {
      if (!act.add) return { n: this.#hand.act(act), act };
      // The same figure, so that what others did with it holds.
      this.#hand.act({ restore: { act: n } });
      return { n, act };
    });
    this.#done.push(step);
  }
}

/**
 * The act that undoes one, if there is any.
 * @param {Done} done
 * @returns {Act | null}
 */
function inverseOf({ n, act: { add, move, erase, clear } }) {
  if (add) return { hide: { figure: n } };
  if (move) return { move: { ...move, dx: -move.dx, dy: -move.dy } };
  return erase || clear ? { restore: { act: n } } : null;
}

/**
 * @param {Step[]} steps
 * @param {number} page
 */
function takeLast(steps, page) {
  const at = steps.map((step) => step.page).lastIndexOf(page);
  return at < 0 ? null : steps.splice(at, 1)[0];
}
