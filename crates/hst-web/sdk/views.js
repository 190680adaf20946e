import { View } from './view.js';

/** @typedef {import('./ids.js').MediaRef} MediaRef */

/** The most that the server takes. */
const MAX_HEIGHT = 16_384;

/** Tells the server how large the pictures are shown that are received: what is small or hidden asks for less. */
export class Views {
  /** Of the pictures that flow. @type {Map<string, { media: MediaRef, view: View, cancel: () => void }>} */
  #views = new Map();
  #group;

  /** @param {import('./group.js').GroupContext} group */
  constructor(group) {
    this.#group = group;
    this.#group.renderer.onLook = () => this.refresh();
  }

  /**
   * A media flows. Before, nothing is said of it: what is not sent would never begin to flow.
   * @param {MediaRef} media
   */
  begin(media) {
    if (media.kind === 'audio' || this.#views.has(media.key)) return;
    this.#views.set(media.key, { media, view: new View(), cancel: () => {} });
    this.refresh();
  }

  /** @param {MediaRef} media */
  end(media) {
    this.#views.get(media.key)?.cancel();
    this.#views.delete(media.key);
  }

  /**
   * How high it is asked for; `Infinity` is all that there is.
   * @param {MediaRef} media
   */
  asked(media) {
    return this.#views.get(media.key)?.view.asked ?? Infinity;
  }

  /** The server knows nothing of it any more: everything is received anew, and in full. */
  clear() {
    for (const { media } of [...this.#views.values()]) this.end(media);
  }

  /** Something may be shown in another size, or the connection is back. */
  refresh() {
    for (const { media } of this.#views.values()) this.#look(media);
  }

  close() {
    this.clear();
    this.#group.renderer.onLook = () => {};
  }

  /** @param {MediaRef} media */
  #look(media) {
    const { clock, renderer, signal } = this.#group;
    const entry = this.#views.get(media.key);
    const shown = renderer.shownHeight(media);
    // What waits for a connection could reach another session, which begins with everything.
    if (!entry || shown === null || !signal.isReady) return;
    entry.cancel();
    const { view } = entry;
    const before = view.asked;
    const wait = view.handle(clock.now(), toAsk(shown));
    entry.cancel = wait === null ? () => {} : clock.after(wait, () => this.#look(media));
    if (view.asked !== before) this.#ask(media, view.asked);
  }

  /**
   * @param {MediaRef} media
   * @param {number} height
   */
  #ask(media, height) {
    const view = { ...media.toWire(), ...(height === Infinity ? {} : { height }) };
    // A picture that has ended meanwhile is no fault.
    this.#group.signal.request({ view }).catch(() => {});
  }
}

/**
 * Whole pixels, as many as the server takes; all of them where there is no bound.
 * @param {number} height
 */
function toAsk(height) {
  return height === Infinity ? Infinity : Math.min(Math.ceil(height), MAX_HEIGHT);
}
