/**
 * @typedef {object} WireTerminal one class of terminal by which a user is online
 * @property {string} terminal
 * @property {string} [state]
 * @property {string} [extend_info]
 *
 * @typedef {{ users: { user: string, terminals: WireTerminal[] }[], total: number, more: boolean }} WirePage
 *
 * @typedef {object} Presence how a user's terminal is now, as the application is told
 * @property {string} userId
 * @property {string} mutexType
 * @property {0 | 1} state
 * @property {string} customState
 * @property {string} extendInfo
 */

/** Who is online, as the application knows it: it finds what the application does not know yet, and nothing else. */
export class PresenceBook {
  /** By user and terminal. @type {Map<string, Map<string, Presence>>} */
  #users = new Map();
  #self;

  /** @param {string} self the own User ID: nobody is told of himself */
  constructor(self) {
    this.#self = self;
  }

  /**
   * @param {WireTerminal & { user: string, online: boolean }} change
   * @returns {Presence[]} what is new in it, if anything
   */
  change({ user, online, ...terminal }) {
    return this.#set(presenceOf(user, terminal, online ? 1 : 0));
  }

  /**
   * Takes a page, which says everything about the users behind `after` up to its last one.
   * @param {string} after
   * @param {WirePage} page
   * @returns {Presence[]} what is new in it: first who has gone
   */
  page(after, { users, more }) {
    const last = more ? users.at(-1)?.user : undefined;
    const online = users.flatMap(({ user, terminals }) => terminals.map((one) => presenceOf(user, one, 1)));
    const found = new Set(online.map(keyOf));
    const gone = [...this.#users.values()]
      .flatMap((terminals) => [...terminals.values()])
      .filter((known) => known.userId > after && (last === undefined || known.userId <= last))
      .filter((known) => !found.has(keyOf(known)))
      .map((known) => /** @type {Presence} */ ({ ...known, state: 0 }));
    return [...gone, ...online].flatMap((presence) => this.#set(presence));
  }

  /**
   * @param {Presence} presence
   * @returns {Presence[]}
   */
  #set(presence) {
    const { userId, mutexType, state } = presence;
    if (userId === this.#self) return [];
    const terminals = this.#users.get(userId) ?? new Map();
    const known = terminals.get(mutexType);
    if (state === 1) {
      this.#users.set(userId, terminals.set(mutexType, presence));
      return known && isSame(known, presence) ? [] : [presence];
    }
    terminals.delete(mutexType);
    if (terminals.size === 0) this.#users.delete(userId);
    return known ? [presence] : [];
  }
}

/**
 * @param {string} userId
 * @param {WireTerminal} terminal
 * @param {0 | 1} state
 * @returns {Presence}
 */
function presenceOf(userId, { terminal, state: customState = '', extend_info: extendInfo = '' }, state) {
  return { userId, mutexType: terminal, state, customState, extendInfo };
}

/**
 * A terminal's name may hold anything, a User ID no slash.
 * @param {Presence} presence
 */
function keyOf({ userId, mutexType }) {
  return `${userId}/${mutexType}`;
}

/**
 * @param {Presence} a
 * @param {Presence} b
 */
function isSame(a, b) {
  return a.customState === b.customState && a.extendInfo === b.extendInfo;
}
