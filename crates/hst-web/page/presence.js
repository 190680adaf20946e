/** @import { HstRtcEngine, OnlineInfo } from '../sdk/hst-rtc-engine.js' */

/** Who is online in the App, by whatever terminals. */
export class Presence extends EventTarget {
  /** Whether the App tells it at all. */
  isKnown = true;
  #engine;
  /** The terminals of each user, each with the text beside it. @type {Map<string, Map<string, string>>} */
  #users = new Map();

  /** @param {HstRtcEngine} engine */
  constructor(engine) {
    super();
    this.#engine = engine;
    engine.on('onOnlineUserState', ({ userId, ...terminal }) => {
      this.#take(userId, terminal);
      this.#tell();
    });
  }

  /** Begins to watch, once one is online. */
  async open() {
    this.#users.clear();
    this.isKnown = true;
    const take = (/** @type {import('../sdk/hst-rtc-engine.js').OnlinePage} */ { userInfo }) => {
      for (const { userId, onlineInfo } of userInfo) for (const one of onlineInfo) this.#take(userId, one);
      this.#tell();
    };
    await this.#engine.getOnlineUsers(take).catch(() => (this.isKnown = false));
    this.#tell();
  }

  /** The users, by name, each with the group that it says to be in. */
  get users() {
    return [...this.#users].map(([userId, terminals]) => ({
      userId,
      group: [...terminals.values()].find((state) => state !== '') ?? '',
    }));
  }

  /**
   * @param {string} user
   * @param {OnlineInfo} terminal
   */
  #take(user, { mutexType, state, customState }) {
    const terminals = this.#users.get(user) ?? new Map();
    if (state === 0) terminals.delete(mutexType);
    else terminals.set(mutexType, customState);
    if (terminals.size === 0) this.#users.delete(user);
    else this.#users.set(user, terminals);
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
