/**
 * How many counters back a frame may come late. The counter of a sender goes over all that he publishes, so this is some
 * seconds of a camera, a screen and a microphone.
 */
export const WINDOW = 2048;

/** Which counters of one sender have been seen: each is taken once. */
export class ReplayWindow {
  /** The counter that would be the first beyond all that have been seen. */
  #next = 0;
  /** For each counter from `next - WINDOW` on, at its number modulo the window. */
  #seen = new Uint8Array(WINDOW);

  /**
   * Whether a frame with this counter may still be taken.
   * @param {number} counter
   */
  isFresh(counter) {
    if (counter >= this.#next) return true;
    return this.#next - counter <= WINDOW && this.#seen[counter % WINDOW] === 0;
  }

  /**
   * Takes a counter of a frame that was proven to be genuine.
   * @param {number} counter
   */
  take(counter) {
    if (counter - this.#next >= WINDOW) this.#seen.fill(0);
    else for (let skipped = this.#next; skipped < counter; skipped += 1) this.#seen[skipped % WINDOW] = 0;
    this.#next = Math.max(this.#next, counter + 1);
    this.#seen[counter % WINDOW] = 1;
  }
}
