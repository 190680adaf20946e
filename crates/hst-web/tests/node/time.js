// Time and chance of the tests: both are theirs, so that hours pass in a moment and every run is the same.

/** A clock that stands still until it is told to go on. */
export class VirtualClock {
  #now = 0;
  #last = 0;
  /** @type {Map<number, { at: number, run: () => void }>} */
  #due = new Map();

  now() {
    return this.#now;
  }

  after(ms, run) {
    const id = ++this.#last;
    this.#due.set(id, { at: this.#now + Math.max(ms, 0), run });
    return () => this.#due.delete(id);
  }

  /** Lets so much time pass. What becomes due happens in its order, each with everything that follows from it. */
  async pass(ms) {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#due.delete(next.id);
      this.#now = next.at;
      next.run();
      await settled();
    }
    this.#now = end;
  }

  #next(end) {
    let next = null;
    for (const [id, { at, run }] of this.#due) {
      if (at <= end && (!next || at < next.at)) next = { id, at, run };
    }
    return next;
  }
}

/** After all that promises have to do, and what they have put off until the next task. */
export async function settled() {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

/** Dice with a seed (mulberry32): numbers from 0 to below 1. */
export function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same test for several seeds; a failure names its own. */
export async function forSeeds(count, run) {
  for (let seed = 1; seed <= count; seed += 1) {
    try {
      await run(dice(seed));
    } catch (cause) {
      throw new Error(`with seed ${seed}: ${cause.message}`, { cause });
    }
  }
}
