/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The next task of the page: after all promises that are settled now, and never slowed down as timers are. */
export function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(undefined);
    };
    port2.postMessage(0);
  });
}

/** Ticks at a steady pace, also in a background tab, where a page's own timers come as rarely as once a minute. */
export class Ticker {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #period;
  #onTick;
  #last = 0;

  /**
   * @param {number} period in ms
   * @param {() => void} onTick
   */
  constructor(period, onTick) {
    this.#period = period;
    this.#onTick = onTick;
    try {
      const source = new Blob([`setInterval(() => postMessage(0), ${period})`], { type: 'text/javascript' });
      const url = URL.createObjectURL(source);
      this.#worker = new Worker(url);
      URL.revokeObjectURL(url);
      this.#worker.onmessage = () => this.#tick();
      this.#worker.onerror = () => this.#useTimer();
    } catch {
      this.#useTimer();
    }
  }

  stop() {
    this.#worker?.terminate();
    clearInterval(this.#timer);
  }

  /** Where the page's content security policy forbids workers. */
  #useTimer() {
    this.stop();
    this.#timer = setInterval(() => this.#tick(), this.#period);
  }

  /** After a page was blocked, by a dialog for example, its worker's ticks come all at once: they count as one. */
  #tick() {
    const now = performance.now();
    if (now - this.#last < this.#period / 2) return;
    this.#last = now;
    this.#onTick();
  }
}
