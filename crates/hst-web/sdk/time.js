/**
 * Also in a background tab no longer than that.
 * @param {number} ms
 */
export function sleep(ms) {
  return new Promise((resolve) => clock.after(ms, () => resolve(undefined)));
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

/**
 * Timers that keep their pace in a background tab too, where a page's own come as rarely as once a minute: they run in
 * a worker, which lives as long as a timer does.
 */
export class Clock {
  /** @type {Map<number, { run: () => void, at: number }>} */
  #due = new Map();
  /** @type {Worker | null} */
  #worker = null;
  /** Where the page's content security policy forbids workers. */
  #isPlain = false;
  #last = 0;

  /** In ms, from any beginning. */
  now() {
    return performance.now();
  }

  /**
   * Runs something once.
   * @param {number} ms
   * @param {() => void} run
   * @returns {() => void} takes it back
   */
  after(ms, run) {
    const id = ++this.#last;
    this.#due.set(id, { run, at: this.now() + ms });
    this.#start(id, ms);
    return () => {
      this.#due.delete(id);
      this.#rest();
    };
  }

  /**
   * @param {number} id
   * @param {number} ms
   */
  #start(id, ms) {
    if (!this.#isPlain) this.#worker ??= this.#hire();
    if (this.#worker) this.#worker.postMessage([id, ms]);
    else setTimeout(() => this.#ring(id), ms);
  }

  #hire() {
    try {
      const url = URL.createObjectURL(new Blob([WORK], { type: 'text/javascript' }));
      const worker = new Worker(url);
      URL.revokeObjectURL(url);
      worker.onmessage = ({ data }) => this.#ring(data);
      worker.onerror = () => this.#goPlain();
      return worker;
    } catch {
      this.#isPlain = true;
      return null;
    }
  }

  #goPlain() {
    this.#isPlain = true;
    this.#worker?.terminate();
    this.#worker = null;
    for (const [id, { at }] of this.#due) this.#start(id, at - this.now());
  }

  /** @param {number} id */
  #ring(id) {
    const due = this.#due.get(id);
    this.#due.delete(id);
    due?.run();
    this.#rest();
  }

  #rest() {
    if (this.#due.size > 0) return;
    this.#worker?.terminate();
    this.#worker = null;
  }
}

/** One for all engines of a page. */
export const clock = new Clock();

/** What the worker of a clock does. */
const WORK = 'onmessage = ({ data: [id, ms] }) => setTimeout(() => postMessage(id), ms)';
