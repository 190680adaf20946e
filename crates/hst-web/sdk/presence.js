import { PresenceBook } from './book.js';
import { OutcomeUnknown } from './errors.js';
import { MAX_PAGE } from './messages.js';

/**
 * @import { WirePage } from './book.js'
 * @import { OnlinePage } from './types.js'
 */

/**
 * The watch over who is online. Everybody is told to the application once, in a page or by an event, and so is each
 * change; also across sessions that were lost.
 */
export class Presence {
  #book;
  #request;
  #emit;
  #isWatching = false;
  /** One listing follows the other: each begins the watch anew. @type {Promise<void>} */
  #turn = Promise.resolve();

  /**
   * @param {string} self the own User ID
   * @param {(command: Record<string, object>) => Promise<any>} request
   * @param {(presence: import('./book.js').Presence) => void} emit
   */
  constructor(self, request, emit) {
    this.#book = new PresenceBook(self);
    this.#request = request;
    this.#emit = emit;
  }

  /**
   * Begins the watch, or begins it anew, and shows all pages.
   * @param {(page: OnlinePage) => void} show
   */
  list(show) {
    return this.#walkNext(show);
  }

  /**
   * The same, but shows only the first page; the others are told as events.
   * @returns {Promise<OnlinePage>}
   */
  first() {
    return new Promise((resolve, reject) => {
      /** @param {OnlinePage} page */
      const show = (page) => {
        resolve(page);
        return false;
      };
      this.#walkNext(show).catch(reject);
    });
  }

  /** Events were lost: tells what has changed meanwhile. */
  refresh() {
    // It is asked again if the session is lost once more, and there is nobody to tell when it is over.
    if (this.#isWatching) this.#walkNext(null).catch(() => {});
  }

  /** @param {any[]} changes */
  handle(changes) {
    for (const presence of changes.flatMap((change) => this.#book.change(change))) this.#emit(presence);
  }

  /** @param {((page: OnlinePage) => unknown) | null} show */
  #walkNext(show) {
    const walk = this.#turn.then(() => this.#walk(show));
    this.#turn = walk.catch(() => {});
    return walk;
  }

  /**
   * @param {((page: OnlinePage) => unknown) | null} show called for each page until it gives false; what it is not
   *   called for is told as events
   */
  async #walk(show) {
    let after = '';
    let seen = 0;
    for (let number = 1; ; number += 1) {
      /** @type {WirePage | null} */
      const page = await this.#ask(after);
      if (!page) {
        // The session was lost, and the watch with it: once more from the beginning, by events if there was a page.
        if (number > 1) show = null;
        after = '';
        seen = number = 0;
        continue;
      }
      this.#isWatching = true;
      seen += page.users.length;
      const changes = this.#book.page(after, page);
      // Who is on a page that is shown needs no event.
      for (const one of changes) if (!show || one.state === 0) this.#emit(one);
      if (show?.(toPage(page, number, seen)) === false) show = null;
      const last = page.users.at(-1)?.user;
      if (!page.more || last === undefined) return;
      after = last;
    }
  }

  /**
   * @param {string} after
   * @returns {Promise<WirePage | null>} null when the answer was lost
   */
  async #ask(after) {
    try {
      return await this.#request({ online: { ...(after === '' ? {} : { after }), limit: MAX_PAGE } });
    } catch (error) {
      if (error instanceof OutcomeUnknown) return null;
      throw error;
    }
  }
}

/**
 * @param {WirePage} page
 * @param {number} number
 * @param {number} seen users on this page and those before
 * @returns {OnlinePage}
 */
function toPage({ users, total, more }, number, seen) {
  const behind = more ? Math.max(Math.ceil((total - seen) / MAX_PAGE), 1) : 0;
  return {
    pageInfo: { totalPages: number + behind, curPage: number },
    userInfo: users.map(({ user, terminals }) => ({
      userId: user,
      onlineInfo: terminals.map(({ terminal, state = '', extend_info = '' }) => ({
        mutexType: terminal,
        customState: state,
        state: 1,
        extendInfo: extend_info,
      })),
    })),
  };
}
