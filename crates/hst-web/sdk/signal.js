import { Backoff } from './backoff.js';
import { ErrorCode, Interrupted, fromServer } from './errors.js';
import { Exchange } from './exchange.js';
import { Moved, Pass, isFinal, lost } from './pass.js';

/**
 * @typedef {import('./errors.js').HstRtcError} HstRtcError
 * @typedef {import('./link.js').Link} Link
 * @typedef {'resumed' | 'missed' | 'login'} Return how a session came back: whole, with frames lost, or as a new one
 */

/** How often the client says that it is alive, in beats of the connection. */
const HEARTBEAT = 5;
/** A connection that has held for so many beats is a good one. */
const STEADY = 10;
/** How long `exit` waits for its answer, in ms. */
const FAREWELL_TIMEOUT = 3_000;

/**
 * Reasons for the end of a session after which the client begins a new one by itself.
 * @type {(number | undefined)[]}
 */
const MAY_RETURN = [ErrorCode.CONNECT, ErrorCode.SLOW_READER];

/**
 * The signalling of one login, across lost connections and, when the server has given the session up, across sessions:
 * calls wait while it is away, and end only when the login does.
 */
export class Signal {
  /** Called for each event with its name and fields. @type {(name: string, fields: any) => void} */
  onEvent = () => {};
  /** Called when the connection is lost; it is trying to come back. @type {() => void} */
  onAway = () => {};
  /** Called when it is back as a new session; what is asked within goes before all that waits. @type {() => void} */
  onRestore = () => {};
  /** Called when it is back. @type {(how: Return) => void} */
  onBack = () => {};
  /** Called once, when the login ends without being asked to. @type {(why: HstRtcError) => void} */
  onLost = () => {};

  #pass;
  #dialer;
  #clock;
  #backoff;
  #exchange = new Exchange();
  /** The connection, from when it is open. @type {Link | null} */
  #link = null;
  /** Whether the session goes over the link: requests may leave. */
  #isReady = false;
  #isLeaving = false;
  #isOver = false;
  /** Whether the next attempt follows the session to another node, which is done without a pause. */
  #follows = false;
  /** Whether the last one did: who is sent on from there takes his time. */
  #hasFollowed = false;
  /** Ends the pause before an attempt. */
  #wake = () => {};
  #end = () => {};
  /** Settles when it is over. @type {Promise<void>} */
  #over = new Promise((resolve) => (this.#end = resolve));

  /**
   * @param {import('./requests.js').Login} login
   * @param {import('./dial.js').Dialer} dialer
   * @param {import('./dial.js').Timers} clock
   * @param {() => number} [random]
   */
  constructor(login, dialer, clock, random = Math.random) {
    this.#pass = new Pass(login, clock);
    this.#dialer = dialer;
    this.#clock = clock;
    this.#backoff = new Backoff(random);
  }

  /** The most bytes of one message as JSON. */
  get maxMessage() {
    return this.#pass.maxMessage;
  }

  /** What helps to reach the media, for as long as the session is. */
  get iceServers() {
    return this.#pass.iceServers;
  }

  async login() {
    const closed = this.#over.then(() => {
      throw lost('the connection is closed');
    });
    try {
      await Promise.race([this.#begin(), closed]);
    } catch (error) {
      this.#drop(/** @type {HstRtcError} */ (error));
      this.close();
      throw error;
    }
  }

  /** Whether a request leaves at once. */
  get isReady() {
    return this.#isReady;
  }

  /**
   * Sends a request, now or when the connection is back; resolves with the fields of its reply.
   * @param {Record<string, object>} command one name and its fields
   * @param {object} [options]
   * @param {boolean} [options.isRepeatable] carrying it out twice is the same as once: it is asked again where the
   *   outcome is unknown
   * @param {boolean} [options.isFleeting] worthless later: it is dropped while the connection is away
   * @returns {Promise<any>}
   */
  request(command, { isRepeatable = false, isFleeting = false } = {}) {
    if (this.#isOver || this.#isLeaving) return Promise.reject(lost('the connection is closed'));
    if (isFleeting && !this.#isReady) return Promise.resolve();
    const reply = this.#exchange.ask(command, isRepeatable);
    if (this.#isReady) this.#send(this.#exchange.flush());
    return reply;
  }

  /**
   * Shows a newer token. A login that becomes necessary meanwhile uses it already.
   * @param {string} token
   */
  async renew(token) {
    const before = this.#pass.token;
    this.#pass.token = token;
    try {
      await this.request({ renew: { token } }, { isRepeatable: true });
    } catch (error) {
      if (this.#pass.token === token) this.#pass.token = before;
      throw error;
    }
  }

  /** The network is another one, or back: tries at once, or finds out whether the connection holds. */
  networkChanged() {
    if (this.#isReady) {
      this.#send(this.#exchange.ping());
      this.#link?.doubt();
    } else if (this.#backoff.remaining(this.#clock.now()) === 0) {
      this.#wake();
    }
  }

  /**
   * Takes leave and closes. Settles when the server has closed, by when it has forgotten the session, or after 3 s;
   * never fails.
   * @param {string} by the call that ends all others
   */
  async farewell(by) {
    if (this.#isOver || this.#isLeaving) return this.#over;
    this.onEvent = this.onAway = this.onRestore = this.onBack = this.onLost = () => {};
    this.#isLeaving = true;
    this.#exchange.end(new Interrupted(by));
    if (!this.#link && !this.#pass.hasSession) return this.close();
    this.#exchange.ask({ exit: {} }, true).catch(() => {});
    // It follows a login or resumption that is under way, or leaves when there is a connection again.
    if (this.#link) this.#send(this.#exchange.flush());
    else this.networkChanged();
    const cancel = this.#clock.after(FAREWELL_TIMEOUT, () => this.close());
    await this.#over;
    cancel();
  }

  /** Closes without a word. */
  close() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isReady = false;
    this.#link?.close();
    this.#exchange.end(lost('the connection is closed'));
    this.#wake();
    this.#end();
  }

  async #begin() {
    await this.#pass.logIn(await this.#dial());
    this.#open();
  }

  async #dial() {
    const link = await this.#dialer.dial();
    if (this.#isOver) {
      link.close();
      throw lost('the connection is closed');
    }
    this.#link = link;
    return link;
  }

  /** The session goes over the link from now on. */
  #open() {
    const link = /** @type {Link} */ (this.#link);
    this.#dialer.prefer(link.url);
    link.onFrame = (frame) => this.#hear(link, frame);
    link.onBeat = (beats, silence) => this.#beat(beats, silence);
    link.onLost = () => this.#goAway();
    this.#isReady = true;
    this.#send(this.#exchange.flush());
  }

  /**
   * An attempt to connect has failed.
   * @param {HstRtcError} error
   */
  #drop({ serverCode, retryAfter }) {
    if (this.#link && serverCode === undefined) this.#dialer.avoid(this.#link.url);
    this.#link?.close();
    this.#link = null;
    this.#backoff.holdOff(this.#clock.now(), retryAfter);
  }

  #goAway() {
    this.#isReady = false;
    this.#link = null;
    if (this.#isLeaving) {
      this.close();
      return;
    }
    this.onAway();
    this.#comeBack();
  }

  async #comeBack() {
    while (!this.#isOver) {
      if (!this.#follows) await this.#pause(this.#backoff.next(this.#clock.now()));
      this.#follows = false;
      const how = this.#isOver ? null : await this.#attempt();
      if (!how) continue;
      this.onBack(how);
      return;
    }
  }

  /** Tries once to come back; null when it was in vain. */
  async #attempt() {
    try {
      const how = await this.#enter(await this.#dial());
      this.#open();
      this.#hasFollowed = false;
      return how;
    } catch (error) {
      if (error instanceof Moved) {
        this.#link?.close();
        this.#link = null;
        this.#follow(error);
        return null;
      }
      const why = /** @type {HstRtcError} */ (error);
      this.#drop(why);
      if (isFinal(why)) this.#lose(why);
      return null;
    }
  }

  /**
   * Resumes the session, or begins a new one when it is gone.
   * @param {Link} link
   * @returns {Promise<Return>}
   */
  async #enter(link) {
    const resumed = await this.#pass.resume(link, this.#exchange.got);
    if (resumed) {
      this.#send(this.#exchange.resume(resumed));
      return resumed.missed ? 'missed' : 'resumed';
    }
    if (this.#isLeaving) this.close();
    if (this.#isOver) throw lost('the connection is closed');
    await this.#pass.logIn(link);
    this.#exchange.restart(() => this.onRestore());
    return 'login';
  }

  /** @param {Moved} moved */
  #follow({ urls }) {
    this.#dialer.follow(urls);
    this.#follows = !this.#hasFollowed;
    this.#hasFollowed = true;
  }

  /** @param {number} ms */
  async #pause(ms) {
    if (ms <= 0) return;
    await new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => resolve(undefined));
      this.#wake = () => {
        cancel();
        resolve(undefined);
      };
    });
    this.#wake = () => {};
  }

  /**
   * @param {Link} link
   * @param {any} frame
   */
  #hear(link, frame) {
    let event = null;
    try {
      event = this.#exchange.take(frame);
    } catch (error) {
      link.lose(/** @type {Error} */ (error).message);
      return;
    }
    this.#send(this.#exchange.confirm());
    if (!event) return;
    const [name, fields] = event;
    if (name === 'ended') this.#handleEnded(link, fromServer(fields));
    else if (name === 'moved') {
      const moved = new Moved(fields.signal);
      this.#follow(moved);
      link.lose(moved.message);
    }
    else this.onEvent(name, fields);
  }

  /**
   * @param {Link} link
   * @param {HstRtcError} why
   */
  #handleEnded(link, why) {
    this.#pass.dropSession();
    if (MAY_RETURN.includes(why.serverCode)) {
      this.#backoff.holdOff(this.#clock.now(), why.retryAfter);
      this.#dialer.avoid(link.url);
      link.lose(why.message);
    } else {
      this.#lose(why);
    }
  }

  /**
   * @param {number} beats
   * @param {number} silence
   */
  #beat(beats, silence) {
    if (beats === STEADY) this.#backoff.reset();
    const isInDoubt = silence > 0 && silence % HEARTBEAT === 0;
    if (isInDoubt) this.#send(this.#exchange.ping());
    else if (beats % HEARTBEAT === 0) this.#send(this.#exchange.beat());
  }

  /** @param {HstRtcError} why */
  #lose(why) {
    if (this.#isOver) return;
    // The engine first: whoever waits for a reply finds its state right.
    this.onLost(why);
    this.#exchange.end(why);
    this.close();
  }

  /** @param {string[]} frames */
  #send(frames) {
    for (const frame of frames) this.#link?.send(frame);
  }
}
