import { Engine, ignorable, show } from './engine.js';
import { ErrorCode } from './errors.js';
import { checkRecvMode } from './voice.js';

/** @typedef {import('./life.js').Life} Life */

/** The engine with what the platform's has beyond its handbook: altered voices, calls and uploads. */
export class Extras extends Engine {
  #life;

  /** @param {Life} life */
  constructor(life) {
    super(life);
    this.#life = life;
  }

  /** @param {boolean} isOn whether the voice is altered before it is sent */
  setMagicAudioSwitch(isOn) {
    this.#life.attempt('uninit', 'setMagicAudioSwitch', () => this.#life.voice.setSwitch(isOn));
  }

  /** @param {number} semitones up, or down below 0 */
  setSendMagicAudioValue(semitones) {
    this.#life.attempt('uninit', 'setSendMagicAudioValue', () => this.#life.voice.setSemitones(semitones));
  }

  /** @param {number} mode 0 and 2 are the same: who alters his voice sends nothing else */
  setRecvMagicAudioMode(mode) {
    this.#life.attempt('uninit', 'setRecvMagicAudioMode', () => checkRecvMode(mode));
  }

  /**
   * Calls a user who is online.
   * @param {{ seqId?: number, groupId: string, calleeType: number, calleeId: string, extendInfo?: any }} options
   * @returns {Promise<{ callId: string }>}
   */
  makeCall(options) {
    return this.#life.ask('logined', 'makeCall', () => this.#calls.make(options));
  }

  /** @param {{ seqId?: number, callId: string, groupId?: string, result: 0 | 1 }} options */
  replyCall(options) {
    this.#life.attempt('logined', 'replyCall', () => this.#calls.reply(options));
  }

  /** @param {string} callId */
  cancelCall(callId) {
    return ignorable(this.#life.ask('logined', 'cancelCall', () => this.#calls.end(callId)));
  }

  /** @param {string} callId */
  finishCall(callId) {
    return ignorable(this.#life.ask('logined', 'finishCall', () => this.#calls.end(callId)));
  }

  /** @param {{ onFailed?: (why: { code: number, message: string }) => void }} options nothing is uploaded */
  startUpload(options) {
    refuseUpload(options?.onFailed);
  }

  /** What there is while logged in, as the state machine has checked. */
  get #calls() {
    return /** @type {import('./calls.js').Calls} */ (this.#life.calls);
  }
}

/**
 * There is nothing to upload to. Says so after the call has returned, as a failure would come.
 * @param {unknown} onFailed
 */
async function refuseUpload(onFailed) {
  await null;
  if (typeof onFailed !== 'function') return;
  const why = { code: ErrorCode.OPERATION_FAILED, message: 'uploads are not available on this server' };
  show('startUpload', /** @type {(why: object) => void} */ (onFailed), why);
}
