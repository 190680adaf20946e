import { ErrorCode, HstRtcError, Interrupted, fromServer } from './errors.js';
import { Ticker, sleep } from './time.js';

/** How long one address may take to open, in ms. */
const CONNECT_TIMEOUT = 5_000;
/** One beat of the connection's clock, in ms. */
const BEAT = 1_000;
/** How often the client says that it is alive, in beats. */
const HEARTBEAT = 5;
/** The server is dead when nothing came for so many beats. */
const MAX_SILENCE = 15;
/** A request that is not answered by then has failed, in ms. */
const REPLY_TIMEOUT = 10_000;
/** How long `exit` waits for its answer, in ms. */
const FAREWELL_TIMEOUT = 3_000;

/**
 * @typedef {object} Due a request whose reply is due
 * @property {(fields: any) => void} resolve
 * @property {(error: HstRtcError) => void} reject
 * @property {number} deadline
 * @property {boolean} isVital
 */

/** The signalling connection of one session: requests and their replies, events, heartbeat. */
export class Signal {
  /** Called for each event with its name and fields. @type {(name: string, fields: any) => void} */
  onEvent = () => {};
  /** Called once, when the session ends without being asked to. @type {(why: HstRtcError) => void} */
  onLost = () => {};

  #socket;
  #ticker;
  /** @type {Map<number, Due>} */
  #due = new Map();
  #last = 0;
  #beats = 0;
  #silence = 0;
  #isOpen = true;

  /**
   * Opens the first address that answers.
   * @param {string[]} urls
   */
  static async connect(urls) {
    let why = 'there is no address';
    for (const url of urls) {
      try {
        return new Signal(await open(url));
      } catch (error) {
        why = /** @type {Error} */ (error).message;
      }
    }
    throw new HstRtcError(ErrorCode.CONNECT, `signalling was not reached (${why}): check the network and try again`);
  }

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    this.#ticker = new Ticker(BEAT, () => this.#beat());
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code }) => this.#lose(lost(`the connection was closed (${code})`));
  }

  /**
   * Sends a request; resolves with the fields of its reply.
   * @param {Record<string, object>} command one name and its fields
   * @param {{ isVital?: boolean }} [options] without a reply to a vital one both sides no longer agree, and the
   *   session is given up
   * @returns {Promise<any>}
   */
  request(command, { isVital = false } = {}) {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) {
        reject(lost('the connection is closed'));
        return;
      }
      const id = ++this.#last;
      this.#socket.send(JSON.stringify({ id, do: command }));
      this.#due.set(id, { resolve, reject, isVital, deadline: performance.now() + REPLY_TIMEOUT });
    });
  }

  /**
   * Takes leave and closes. Settles when the server has closed, by when it has forgotten the session, or after 3 s;
   * never fails.
   * @param {string} by the call that ends all others
   */
  async farewell(by) {
    if (!this.#isOpen) return;
    this.onEvent = () => {};
    this.onLost = () => {};
    this.#rejectAll(new Interrupted(by));
    const isGone = new Promise((resolve) => this.#socket.addEventListener('close', resolve));
    this.request({ exit: {} }).catch(() => {});
    await Promise.race([isGone, sleep(FAREWELL_TIMEOUT)]);
    this.close();
  }

  /** Closes without a word. */
  close() {
    this.#isOpen = false;
    this.#ticker.stop();
    this.#socket.close(1000);
    this.#rejectAll(lost('the connection is closed'));
  }

  /** @param {unknown} text */
  #hear(text) {
    if (!this.#isOpen) return;
    this.#silence = 0;
    const frame = parse(text);
    if (typeof frame?.re === 'number') {
      this.#settle(frame.re, frame);
    } else if (frame?.ev) {
      const [name, fields] = Object.entries(frame.ev)[0] ?? ['', null];
      if (name === 'ended') this.#lose(fromServer(fields));
      else this.onEvent(name, fields);
    } else {
      this.#lose(lost('the server sent what is no frame'));
    }
  }

  /**
   * @param {number} id
   * @param {{ ok?: Record<string, any>, err?: { code: number, message: string } }} frame
   */
  #settle(id, frame) {
    const due = this.#due.get(id);
    this.#due.delete(id);
    if (frame.err) due?.reject(fromServer(frame.err));
    else due?.resolve(Object.values(frame.ok ?? {})[0]);
  }

  #beat() {
    this.#beats += 1;
    this.#silence += 1;
    if (this.#silence >= MAX_SILENCE) this.#lose(lost('the server has gone silent'));
    this.#failOverdue();
    if (this.#isOpen && this.#beats % HEARTBEAT === 0) this.request({ ping: {} }).catch(() => {});
  }

  #failOverdue() {
    const now = performance.now();
    for (const [id, due] of this.#due) {
      if (due.deadline > now) continue;
      if (due.isVital) {
        this.#lose(lost('the server did not answer in time'));
        return;
      }
      this.#due.delete(id);
      due.reject(new HstRtcError(ErrorCode.OPERATION_FAILED, 'the server did not answer in time: try again'));
    }
  }

  /** @param {HstRtcError} why */
  #lose(why) {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // The engine first: whoever waits for a reply finds its state right.
    this.onLost(why);
    this.#rejectAll(why);
    this.close();
  }

  /** @param {HstRtcError} why */
  #rejectAll(why) {
    const due = [...this.#due.values()];
    this.#due.clear();
    for (const { reject } of due) reject(why);
  }
}

/** @param {string} what */
function lost(what) {
  return new HstRtcError(ErrorCode.CONNECT, `${what}: check the network and log in again`);
}

/**
 * @param {unknown} text
 * @returns {any}
 */
function parse(text) {
  try {
    return JSON.parse(/** @type {string} */ (text));
  } catch {
    return null;
  }
}

/**
 * @param {string} url
 * @returns {Promise<WebSocket>}
 */
function open(url) {
  return new Promise((resolve, reject) => {
    // A fragment is for transports that pin certificates; a WebSocket address may have none.
    const socket = new WebSocket(url.replace(/#.*$/, ''));
    /** @param {string} why */
    const fail = (why) => {
      clearTimeout(timer);
      socket.onopen = socket.onerror = socket.onclose = null;
      socket.close();
      reject(new Error(`${url}: ${why}`));
    };
    const timer = setTimeout(() => fail('no answer'), CONNECT_TIMEOUT);
    socket.onopen = () => {
      clearTimeout(timer);
      socket.onerror = null;
      resolve(socket);
    };
    socket.onerror = () => fail('refused or unreachable');
    socket.onclose = () => fail('closed');
  });
}
