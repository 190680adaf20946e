/** The bound of the first pause, in ms; it doubles with each attempt. */
const FIRST_BOUND = 500;
/** The largest bound, in ms. */
const LAST_BOUND = 10_000;

/**
 * When to try again: after a random time below a bound that doubles ("full jitter"), so that the clients that a server has
 * lost at once do not come back all at once.
 */
export class Backoff {
  #bound = FIRST_BOUND;
  #notBefore = -Infinity;
  #random;

  /** @param {() => number} random from 0 to below 1 */
  constructor(random) {
    this.#random = random;
  }

  /**
   * How long to wait before the next attempt, in ms.
   * @param {number} now
   */
  next(now) {
    const pause = this.#random() * this.#bound;
    this.#bound = Math.min(this.#bound * 2, LAST_BOUND);
    return Math.max(pause, this.remaining(now));
  }

  /**
   * How long the server wants to be left alone yet, in ms.
   * @param {number} now
   */
  remaining(now) {
    return Math.max(this.#notBefore - now, 0);
  }

  /**
   * The server wants to be left alone for some time.
   * @param {number} now
   * @param {number} [ms]
   */
  holdOff(now, ms = 0) {
    this.#notBefore = Math.max(this.#notBefore, now + ms);
  }

  /** A connection has held: the next loss is a new one. */
  reset() {
    this.#bound = FIRST_BOUND;
  }
}
