/** Larger pictures are asked for when an element was larger for so long, in ms: the first size of a layout may not last. */
const GROW = 200;
/** Smaller ones when it was smaller for so long, in ms, and by more than this. */
const SHRINK = 2_000;
const SLACK = 0.8;
/** None when it was hidden for so long, in ms: a layout that is made anew hides everything for a moment. */
const HIDE = 1_000;

/**
 * How large a received picture is asked for, from how large it is shown: in pixels of its height, 0 for hidden and
 * `Infinity` for all that there is. It knows no time but what it is told.
 */
export class View {
  /** What was asked for last. */
  asked = Infinity;
  /** What is about to be asked for, and since when. @type {{ why: Reason, since: number } | null} */
  #pending = null;

  /**
   * @param {number} now in ms, from any beginning
   * @param {number} shown
   * @returns {number | null} in how many ms to come again; null when there is nothing to wait for. What is to be asked
   *   for stands in `asked`
   */
  handle(now, shown) {
    const why = this.#reason(shown);
    if (!why) {
      this.#pending = null;
      return null;
    }
    if (this.#pending?.why !== why) this.#pending = { why, since: now };
    const left = this.#pending.since + why.patience - now;
    if (left > 0) return left;
    this.#pending = null;
    this.asked = shown;
    return null;
  }

  /**
   * @param {number} shown
   * @returns {Reason | null}
   */
  #reason(shown) {
    if (shown === this.asked) return null;
    if (shown === 0) return REASONS.hide;
    if (this.asked === 0) return REASONS.show;
    if (shown > this.asked) return REASONS.grow;
    return shown < this.asked * SLACK ? REASONS.shrink : null;
  }
}

/** @typedef {{ patience: number }} Reason */

/** Who looks again waits for nothing. */
const REASONS = Object.freeze({
  hide: { patience: HIDE },
  show: { patience: 0 },
  grow: { patience: GROW },
  shrink: { patience: SHRINK },
});
