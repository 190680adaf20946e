/**
 * @typedef {{ carry: (media: import('./ids.js').MediaRef) => void }} Seal of one line, which is told what that carries
 */

/** Leads the frames of each line of an encrypted group through the worker. */
export class Seals {
  /** Counts the lines of all groups. */
  static #lastLine = 0;
  #worker;

  /**
   * @param {Worker} worker
   * @param {import('./key_exchange.js').KeyExchange | null} exchange where members make and exchange keys by themselves
   */
  constructor(worker, exchange) {
    this.#worker = worker;
    this.exchange = exchange;
  }

  /**
   * From its first frame on, nothing of what a line sends leaves in the open, and nothing that it receives is shown unless
   * it is genuine.
   * @param {RTCRtpTransceiver} transceiver
   * @param {'send' | 'receive'} way
   * @param {import('./sealing.js').Kind} kind
   * @returns {Seal}
   */
  put({ sender, receiver }, way, kind) {
    const line = ++Seals.#lastLine;
    // @ts-ignore: younger than the declarations of TypeScript
    const transform = new RTCRtpScriptTransform(this.#worker, { line, way, kind });
    Object.assign(way === 'send' ? sender : receiver, { transform });
    return { carry: (media) => this.#worker.postMessage({ line, media: media.toEvent() }) };
  }

  /**
   * Whether a codec can be encrypted.
   * @param {string} mimeType
   */
  canSeal(mimeType) {
    return ['audio/opus', 'video/vp8', 'video/rtx'].includes(mimeType.toLowerCase());
  }
}
