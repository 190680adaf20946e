import { ErrorCode, HstRtcError, fromServer } from './errors.js';
import { PROTOCOL } from './requests.js';

/**
 * @typedef {import('./link.js').Link} Link
 * @typedef {import('./requests.js').Login} Login
 * @typedef {{ received: number, missed?: boolean, ice_servers?: RTCIceServer[] }} Resumed
 */

/** How long the answer to a login may take, in ms: the server may have to ask others. */
const LOGIN_TIMEOUT = 10_000;
/** After so long, in ms, a session that its client never heard of is over: the server finds it silent, and waits for it. */
const GHOST = LOGIN_TIMEOUT + 15_000 + 60_000;
/** How long the answer to a resumption may take, in ms. */
const RESUME_TIMEOUT = 2_500;
/** The number of a login or resumption. It is none of the session's, which begin behind it. */
const FIRST_ID = 0;

/**
 * Refusals that pass: the server is busy or going away. No other changes by asking again.
 * @type {number[]}
 */
const PASSING = [ErrorCode.CONNECT, ErrorCode.SERVER_INTERNAL];

/** There is no such session any more. */
const SESSION_GONE = 1000100;

/** Of the addresses at which a session is said to be so many count, and none that is longer. */
const MAX_ADDRESSES = 8;
const MAX_ADDRESS = 512;

/** The session is at another node of the platform, at one of these addresses. */
export class Moved extends Error {
  /** @param {unknown} signal */
  constructor(signal) {
    super('the session has moved to another node');
    /** @type {string[]} */
    this.urls = Array.isArray(signal) ? signal.filter(isAddress).slice(0, MAX_ADDRESSES) : [];
  }
}

/** What opens the server's door: the login, and then what it takes to resume its session over another connection. */
export class Pass {
  /** The most bytes of one message as JSON. */
  maxMessage = 0;
  /** What helps to reach the media, for as long as the session is. @type {RTCIceServer[]} */
  iceServers = [];

  #clock;
  #login;
  /** @type {{ session: string, secret: string } | null} */
  #session = null;
  /** The last session, whose place the next one may take. @type {{ session: string, secret: string } | null} */
  #previous = null;
  /** When a login was begun whose answer was lost. @type {number | null} */
  #unanswered = null;

  /**
   * @param {Login} login
   * @param {import('./dial.js').Timers} clock
   */
  constructor(login, clock) {
    this.#login = login;
    this.#clock = clock;
  }

  get hasSession() {
    return this.#session !== null;
  }

  get token() {
    return this.#login.token;
  }

  set token(token) {
    this.#login = { ...this.#login, token };
  }

  /** The server has ended the session. */
  dropSession() {
    this.#session = null;
  }

  /**
   * Begins a session. A later one than the first takes the place of its forerunner, and of no other session.
   * @param {Link} link
   */
  async logIn(link) {
    const login = this.#previous ? { ...this.#login, force: false, previous: this.#previous } : this.#login;
    const begun = this.#clock.now();
    const answer = this.#ask(link, { login }, LOGIN_TIMEOUT);
    const loggedIn = await answer.catch((error) => this.#refused(error, begun));
    const { session, secret, max_message, ice_servers = [] } = loggedIn;
    this.#unanswered = null;
    this.#session = { session, secret };
    this.#previous = this.#session;
    this.maxMessage = max_message;
    this.iceServers = ice_servers;
  }

  /**
   * Goes on with the session.
   * @param {Link} link
   * @param {number} got the number of the last frame that came
   * @returns {Promise<Resumed | null>} null when the session is gone; then the link is good for a login. When it was
   *   ended by another login or by who administers, the promise fails with that
   */
  async resume(link, got) {
    if (!this.#session) return null;
    try {
      const resumed = await this.#ask(link, { resume: { protocol: PROTOCOL, ...this.#session, got } }, RESUME_TIMEOUT);
      if (resumed.ice_servers) this.iceServers = resumed.ice_servers;
      return resumed;
    } catch (error) {
      const { serverCode } = /** @type {HstRtcError} */ (error);
      if (serverCode !== SESSION_GONE) throw error;
      this.#session = null;
      return null;
    }
  }

  /**
   * @param {HstRtcError} why
   * @param {number} begun
   * @returns {never}
   */
  #refused(why, begun) {
    if (this.#previous && why.serverCode === undefined) this.#unanswered = begun;
    const isInOwnWay = this.#unanswered !== null && begun < this.#unanswered + GHOST;
    if (why.serverCode === ErrorCode.LOGIN_CONFLICT && isInOwnWay) throw lost('a login before is not over yet');
    throw why;
  }

  /**
   * @param {Link} link
   * @param {Record<string, object>} command
   * @param {number} timeout in ms
   * @returns {Promise<any>}
   */
  #ask(link, command, timeout) {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeout, () => link.lose('the server did not answer'));
      link.onLost = (why) => {
        cancel();
        reject(lost(why));
      };
      link.onFrame = ({ re, ok, err, ev }) => {
        if (ev?.moved) {
          cancel();
          reject(new Moved(ev.moved.signal));
        }
        const failure = re === FIRST_ID ? err : ev?.ended;
        if (!failure && re !== FIRST_ID) return;
        cancel();
        if (failure) reject(fromServer(failure));
        else resolve(Object.values(ok)[0]);
      };
      link.send(JSON.stringify({ id: FIRST_ID, do: command }));
    });
  }
}

/**
 * Whether asking again is in vain: the server has refused, and not because it is busy.
 * @param {HstRtcError} error
 */
export function isFinal({ serverCode }) {
  return serverCode !== undefined && !PASSING.includes(serverCode);
}

/** @param {string} what */
export function lost(what) {
  return new HstRtcError(ErrorCode.CONNECT, `${what}: check the network and log in again`);
}

/** @param {unknown} url */
function isAddress(url) {
  return typeof url === 'string' && url.length <= MAX_ADDRESS && /^wss?:\/\/[!-~]+$/i.test(url);
}
