import { ErrorCode, HstRtcError, OutcomeUnknown, fromServer } from './errors.js';

/** The most requests that wait for their replies; one more is refused with code 30. */
const MAX_DUE = 1024;
/** A request is given up when so many later pings were answered and it was not: replies come in order. */
const MAX_OVERTAKEN = 3;
/** After so many frames at the latest the server is told that they have come. */
const GOT_EVERY = 64;

/**
 * @typedef {object} Due a request whose reply is due
 * @property {string} command as JSON
 * @property {boolean} isRepeatable carrying it out twice is the same as once
 * @property {number} overtaken how many later pings were answered
 * @property {(fields: any) => void} resolve
 * @property {(error: HstRtcError) => void} reject
 */

/**
 * The numbers of a session: those of requests, which are kept until they are answered, and those of the server's
 * frames, which come once and in order. It knows what is to be sent again after a lost connection, and what became of
 * requests when the session itself was lost.
 */
export class Exchange {
  /** The number of the last frame that came. */
  got = 0;
  /** The number that the server was told last. */
  #told = 0;
  /** Frames are lost: the next one may have any number. */
  #mayJump = false;
  /** The number of the last request; they go on through all sessions. */
  #last = 0;
  /** The number of the last ping. */
  #pinged = 0;
  /** Requests that have left, by their numbers. @type {Map<number, Due>} */
  #sent = new Map();
  /** Requests that have not left yet. @type {Due[]} */
  #waiting = [];

  /**
   * Adds a request; it leaves with the next `flush`.
   * @param {Record<string, object>} command one name and its fields
   * @param {boolean} isRepeatable
   * @returns {Promise<any>} the fields of its reply
   */
  ask(command, isRepeatable) {
    return new Promise((resolve, reject) => {
      if (this.#sent.size + this.#waiting.length >= MAX_DUE) {
        const message = `${MAX_DUE} calls wait for the server already: wait until it is back`;
        reject(new HstRtcError(ErrorCode.CONNECT, message));
        return;
      }
      this.#waiting.push({ command: JSON.stringify(command), isRepeatable, overtaken: 0, resolve, reject });
    });
  }

  /** Frames of the requests that leave now. */
  flush() {
    return this.#waiting.splice(0).map((due) => {
      const id = ++this.#last;
      this.#sent.set(id, due);
      return frameOf(id, due);
    });
  }

  /** The frame that says that the client is alive. Where nothing has come, or an answer is due, one that asks for an answer. */
  beat() {
    return this.got > this.#told && this.#sent.size === 0 ? [this.#tell()] : this.ping();
  }

  /** Frames that say what has come, and ask for an answer. */
  ping() {
    this.#pinged = ++this.#last;
    const ping = `{"id":${this.#pinged},"do":{"ping":{}}}`;
    return this.got > this.#told ? [this.#tell(), ping] : [ping];
  }

  /** The frame that says what has come, when it is time for it. */
  confirm() {
    return this.got - this.#told >= GOT_EVERY ? [this.#tell()] : [];
  }

  /**
   * Takes a frame: settles its request, or gives its event. One that came before gives null.
   * @param {any} frame
   * @returns {[name: string, fields: any] | null}
   */
  take(frame) {
    if (typeof frame.seq === 'number') {
      if (frame.seq <= this.got) return null;
      if (frame.seq > this.got + 1 && !this.#mayJump) throw new Error(`frame ${this.got + 1} has not come`);
      this.got = frame.seq;
      this.#mayJump = false;
    }
    if (frame.ev) return Object.entries(frame.ev)[0] ?? null;
    if (frame.re === this.#pinged) this.#overtake();
    const due = this.#sent.get(frame.re);
    this.#sent.delete(frame.re);
    if (frame.err) due?.reject(fromServer(frame.err));
    else due?.resolve(Object.values(frame.ok ?? {})[0]);
    return null;
  }

  /**
   * The session goes on over another connection; frames of the requests that did not come.
   * @param {{ received: number, missed?: boolean }} resumed
   */
  resume({ received, missed = false }) {
    this.#told = this.got;
    for (const due of this.#sent.values()) due.overtaken = 0;
    if (missed) {
      this.#mayJump = true;
      this.#takeBack((id) => id <= received);
    }
    return [...this.#sent].filter(([id]) => id > received).map(([id, due]) => frameOf(id, due));
  }

  /**
   * A new session begins.
   * @param {() => void} restore its requests leave before those that wait
   */
  restart(restore) {
    this.got = 0;
    this.#told = 0;
    this.#mayJump = false;
    this.#takeBack(() => true);
    const waiting = this.#waiting.splice(0);
    restore();
    this.#waiting.push(...waiting);
  }

  /**
   * Nothing is answered any more.
   * @param {HstRtcError} why
   */
  end(why) {
    const due = [...this.#sent.values(), ...this.#waiting.splice(0)];
    this.#sent.clear();
    for (const { reject } of due) reject(why);
  }

  /** The last ping was answered, and with it should have been all requests before it. */
  #overtake() {
    for (const [id, due] of this.#sent) {
      if (id < this.#pinged) due.overtaken += 1;
      if (due.overtaken < MAX_OVERTAKEN) continue;
      this.#sent.delete(id);
      due.reject(new HstRtcError(ErrorCode.OPERATION_FAILED, 'the server did not answer: try again'));
    }
  }

  /**
   * Takes the sent requests back to the head of those that wait, in their order. What the server may have carried out
   * fails, unless carrying it out twice does no harm.
   * @param {(id: number) => boolean} isUnknown
   */
  #takeBack(isUnknown) {
    const sent = [...this.#sent];
    this.#sent.clear();
    const fails = (/** @type {[number, Due]} */ [id, due]) => isUnknown(id) && !due.isRepeatable;
    const again = sent.filter((entry) => !fails(entry)).map(([, due]) => due);
    for (const due of again) due.overtaken = 0;
    this.#waiting.unshift(...again);
    const why = new OutcomeUnknown('the connection was lost and the answer with it');
    for (const [, due] of sent.filter(fails)) due.reject(why);
  }

  #tell() {
    this.#told = this.got;
    return `{"got":${this.got}}`;
  }
}

/**
 * @param {number} id
 * @param {Due} due
 */
function frameOf(id, { command }) {
  return `{"id":${id},"do":${command}}`;
}
