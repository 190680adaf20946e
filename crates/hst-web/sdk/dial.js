import { ErrorCode, HstRtcError } from './errors.js';
import { Link } from './link.js';

/**
 * @typedef {import('./link.js').Socket} Socket
 * @typedef {Pick<import('./time.js').Clock, 'now' | 'after'>} Timers
 * @typedef {(url: string, abort: AbortSignal) => Promise<Socket>} Open
 */

/** The head start of each address over the next one, in ms (RFC 8305 section 5). */
const HEAD_START = 250;
/** How long one address may take to open, in ms. */
const CONNECT_TIMEOUT = 5_000;

/** Connects to whichever of several addresses answers first, and remembers which ones work. */
export class Dialer {
  #urls;
  #clock;
  #open;
  /** Where the session has moved, for the next attempt: nobody else has it. @type {string[] | null} */
  #only = null;

  /**
   * @param {string[]} urls best first
   * @param {Timers} clock
   * @param {Open} [open]
   */
  constructor(urls, clock, open = openWebSocket) {
    this.#urls = [...urls];
    this.#clock = clock;
    this.#open = open;
  }

  /**
   * Starts the addresses one after the other, and the next at once when one fails. The first to open wins.
   * @returns {Promise<Link>}
   */
  dial() {
    const urls = this.#only ?? this.#urls;
    this.#only = null;
    /** Those under way. @type {Set<AbortController>} */
    const attempts = new Set();
    /** @type {string[]} */
    const faults = [];
    let started = 0;
    let isOver = false;
    let cancel = () => {};
    return new Promise((resolve, reject) => {
      const end = () => {
        isOver = true;
        cancel();
        for (const attempt of attempts) attempt.abort();
      };
      /** @param {string} url */
      const start = async (url) => {
        const attempt = new AbortController();
        attempts.add(attempt);
        const stopTimer = this.#clock.after(CONNECT_TIMEOUT, () => attempt.abort());
        try {
          const socket = await this.#open(url, attempt.signal);
          attempts.delete(attempt);
          if (isOver) socket.close();
          else resolve(new Link(url, socket, this.#clock));
          end();
        } catch (error) {
          attempts.delete(attempt);
          faults.push(`${url}: ${/** @type {Error} */ (error).message}`);
          startNext();
        }
        stopTimer();
      };
      const startNext = () => {
        cancel();
        if (isOver) return;
        if (started < urls.length) {
          cancel = this.#clock.after(HEAD_START, startNext);
          start(urls[started++]);
        } else if (faults.length === started) {
          reject(unreached(faults));
        }
      };
      startNext();
    });
  }

  /**
   * The session is at these addresses: they are tried alone the next time, and before all others from then on.
   * @param {string[]} urls
   */
  follow(urls) {
    if (urls.length === 0) return;
    this.#only = urls;
    this.#urls = [...urls, ...this.#urls.filter((other) => !urls.includes(other))];
  }

  /**
   * This address has served: it is tried first from now on.
   * @param {string} url
   */
  prefer(url) {
    this.#urls = [url, ...this.#urls.filter((other) => other !== url)];
  }

  /**
   * This address opened and then did not serve: it is tried last from now on.
   * @param {string} url
   */
  avoid(url) {
    this.#urls = [...this.#urls.filter((other) => other !== url), url];
  }
}

/** @param {string[]} faults */
function unreached(faults) {
  const why = faults.join(', ') || 'there is no address';
  return new HstRtcError(ErrorCode.CONNECT, `signalling was not reached (${why}): check the network and try again`);
}

/** @type {Open} */
function openWebSocket(url, abort) {
  return new Promise((resolve, reject) => {
    // A fragment is for transports that pin certificates; a WebSocket address may have none.
    const socket = new WebSocket(url.replace(/#.*$/, ''));
    const settle = () => {
      socket.onopen = socket.onerror = socket.onclose = null;
      abort.onabort = null;
    };
    /** @param {string} why */
    const fail = (why) => {
      settle();
      socket.close();
      reject(new Error(why));
    };
    socket.onopen = () => {
      settle();
      resolve(socket);
    };
    socket.onerror = () => fail('refused or unreachable');
    socket.onclose = () => fail('closed');
    abort.onabort = () => fail('no answer');
  });
}
