/** One beat of a connection, in ms. */
const BEAT = 1_000;
/** The server is dead when nothing came for so many beats. */
const MAX_SILENCE = 15;
/** A server that is in doubt is dead when nothing comes for so many beats more. */
const DOUBT = 3;

/**
 * @typedef {object} Socket what a link needs of a WebSocket
 * @property {(text: string) => void} send
 * @property {(code?: number) => void} close
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 */

/** One connection to one address: whole frames in, whole frames out, until it is closed or lost. */
export class Link {
  /** Called for each frame. @type {(frame: any) => void} */
  onFrame = () => {};
  /** Called for each beat of its life with their count, and how many came since the last frame. @type {(beats: number, silence: number) => void} */
  onBeat = () => {};
  /** Called once, when it ends without being closed by us. @type {(why: string) => void} */
  onLost = () => {};

  #socket;
  #clock;
  #isOpen = true;
  /** Beats of its life. */
  #beats = 0;
  /** Beats since the last frame. */
  #silence = 0;
  #stopBeat = () => {};

  /**
   * @param {string} url
   * @param {Socket} socket an open one
   * @param {Pick<import('./time.js').Clock, 'after'>} clock
   */
  constructor(url, socket, clock) {
    this.url = url;
    this.#socket = socket;
    this.#clock = clock;
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code }) => this.lose(`the connection was closed (${code})`);
    this.#beatLater();
  }

  /** @param {string} frame */
  send(frame) {
    if (this.#isOpen) this.#socket.send(frame);
  }

  /** Something speaks for its being dead: it has little time to show that it is not. */
  doubt() {
    this.#silence = Math.max(this.#silence, MAX_SILENCE - DOUBT);
  }

  close() {
    this.#isOpen = false;
    this.#stopBeat();
    this.#socket.close(1000);
  }

  /**
   * Gives the connection up.
   * @param {string} why
   */
  lose(why) {
    if (!this.#isOpen) return;
    this.close();
    this.onLost(why);
  }

  /** Beats and not the clock: of a page that stood still, by a dialog for example, no time has passed. */
  #beatLater() {
    this.#stopBeat = this.#clock.after(BEAT, () => {
      this.#beats += 1;
      this.#silence += 1;
      if (this.#silence >= MAX_SILENCE) {
        this.lose('the server has gone silent');
        return;
      }
      this.#beatLater();
      this.onBeat(this.#beats, this.#silence);
    });
  }

  /** @param {unknown} text */
  #hear(text) {
    if (!this.#isOpen) return;
    this.#silence = 0;
    const frame = parse(text);
    if (frame) this.onFrame(frame);
    else this.lose('the server sent what is no frame');
  }
}

/**
 * @param {unknown} text
 * @returns {any}
 */
function parse(text) {
  try {
    const frame = JSON.parse(/** @type {string} */ (text));
    return typeof frame?.re === 'number' || frame?.ev ? frame : null;
  } catch {
    return null;
  }
}
