/** The most events of one name that wait for their first subscriber; beyond it the oldest is dropped. */
const MAX_WAITING = 1024;

/**
 * @typedef {(...payload: any[]) => void} Callback
 * @typedef {{ callback: Callback, context: unknown }} Subscription
 */

/** The events of one engine: several subscribers a name, called in the order of subscribing. */
export class Bus {
  /** Called when a name has got its first subscriber. */
  onAudience = () => {};
  /** @type {Map<string, Subscription[]>} */
  #subscriptions = new Map();
  /** @type {Map<string, unknown[][]>} Events that nobody has subscribed to yet: the first subscriber gets them. */
  #waiting = new Map();

  /**
   * @param {string} name
   * @param {Callback} callback
   * @param {unknown} context what the callback sees as `this`
   */
  subscribe(name, callback, context) {
    if (typeof callback !== 'function') {
      console.warn(`[HstRtcEngine] the subscriber of ${name} is not a function and was ignored`);
      return;
    }
    const subscription = { callback, context };
    const present = this.#subscriptions.get(name);
    if (present) {
      present.push(subscription);
      return;
    }
    this.#subscriptions.set(name, [subscription]);
    this.onAudience();
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const payload of waiting) call(name, subscription, payload);
  }

  /**
   * Without a callback all of that name end, without a name all.
   * @param {string | null} [name]
   * @param {Callback | null} [callback]
   * @param {unknown} [context]
   */
  unsubscribe(name, callback, context) {
    if (!name) {
      this.#subscriptions.clear();
      this.#waiting.clear();
      return;
    }
    const present = this.#subscriptions.get(name) ?? [];
    const others = present.filter(
      (s) => callback && (s.callback !== callback || (context !== undefined && s.context !== context)),
    );
    if (others.length > 0) {
      this.#subscriptions.set(name, others);
    } else {
      this.#subscriptions.delete(name);
      this.#waiting.delete(name);
    }
  }

  /**
   * Whether anybody subscribes to it.
   * @param {string} name
   */
  isHeard(name) {
    return this.#subscriptions.has(name);
  }

  /**
   * @param {string} name
   * @param {unknown[]} payload the callback's arguments
   * @param {() => boolean} [isDue] asked before each callback, since one of them may leave the group
   */
  emit(name, payload, isDue = () => true) {
    const present = this.#subscriptions.get(name);
    if (!present) {
      const waiting = this.#waiting.get(name) ?? [];
      waiting.push(payload);
      if (waiting.length > MAX_WAITING) waiting.shift();
      this.#waiting.set(name, waiting);
      return;
    }
    for (const subscription of [...present]) {
      if (!isDue()) return;
      call(name, subscription, payload);
    }
  }

  /**
   * Forgets waiting events, all or those of these names.
   * @param {Iterable<string>} [names]
   */
  forget(names = [...this.#waiting.keys()]) {
    for (const name of names) this.#waiting.delete(name);
  }
}

/**
 * A fault in the application's callback is the application's: the engine and the other subscribers go on.
 * @param {string} name
 * @param {Subscription} subscription
 * @param {unknown[]} payload
 */
function call(name, subscription, payload) {
  try {
    subscription.callback.apply(subscription.context, payload);
  } catch (error) {
    console.error(`[HstRtcEngine] a subscriber of ${name} threw`, error);
  }
}
