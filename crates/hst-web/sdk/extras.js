import { Engine } from './engine.js';
import { ErrorCode } from './errors.js';
import { ignorable, show } from './guard.js';

/**
 * @import { Calls } from './calls.js'
 * @import { Group } from './group.js'
 * @import { Life } from './life.js'
 * @import { BoardOptions, MediaTypeValue, Priority, WhiteBoard } from './types.js'
 */

/**
 * The engine with what the platform's has beyond its handbook: priorities, white boards, altered voices, encryption, calls
 * and uploads.
 */
export class Extras extends Engine {
  #life;

  /** @internal @param {Life} life */
  constructor(life) {
    super(life);
    this.#life = life;
  }

  /**
   * Says how much a picture matters to oneself where the network does not carry all of them: of those that matter most the
   * layers come first. It holds until the group is left, also when the picture is received later or anew.
   * @param {string} userId
   * @param {MediaTypeValue} mediaType a camera or a shared screen: sound always comes first
   * @param {string} mediaId
   * @param {Priority} priority default: `high` for a shared screen, `normal` for cameras
   * @returns {Promise<void>}
   */
  setReceivePriority(userId, mediaType, mediaId, priority) {
    const prioritize = () => this.#group.receiver.prioritize(userId, mediaType, mediaId, priority);
    return ignorable(this.#life.ask('joined', 'setReceivePriority', prioritize));
  }

  /**
   * Makes a white board in the group; `startPublishMedia` then shows it to everybody.
   * @param {BoardOptions} [options]
   * @returns {Promise<string>} its media ID
   */
  createWhiteBoard(options) {
    return ignorable(this.#life.ask('joined', 'createWhiteBoard', () => this.#group.boards.create(options)));
  }

  /**
   * What to draw with, from the board's `onRemoteMediaAdd` on; null before and after.
   * @param {string | null} [mediaId]
   * @returns {WhiteBoard | null}
   */
  getWhiteBoard(mediaId) {
    return this.#life.group?.boards.get(mediaId) ?? null;
  }

  /**
   * Ends a white board for everybody.
   * @param {string | null} [mediaId] without it nothing happens
   * @returns {Promise<void>}
   */
  closeWhiteBoard(mediaId) {
    return this.#life.attempt('uninit', 'closeWhiteBoard', () => this.#life.group?.boards.delete(mediaId));
  }

  /**
   * How white boards fit their elements, now and from now on. It may be chosen at any time.
   * @param {string | null | undefined} mediaId without it, all of them
   * @param {number | string} mode of `DisplayMode`; any other is 1
   * @param {number | string} [param] the percentage of `DBSF`
   */
  setWhiteBoardDisplayMode(mediaId, mode, param) {
    this.#life.fits.set(mediaId, mode, param);
  }

  /**
   * Sends the altered voice beside the original, also while it is published: each receiver hears one of them.
   * @param {boolean} isOn default: false
   * @param {{ only?: boolean }} [options] with `only` the original is not sent: nobody can listen behind the altered one
   */
  setMagicAudioSwitch(isOn, options) {
    this.#life.attempt('uninit', 'setMagicAudioSwitch', () => this.#life.voice.setSwitch(isOn, options?.only));
  }

  /** @param {number} semitones up to 12 up, or down below 0; 0 alters nothing */
  setSendMagicAudioValue(semitones) {
    this.#life.attempt('uninit', 'setSendMagicAudioValue', () => this.#life.voice.setSemitones(semitones));
  }

  /**
   * Which voice of others is heard, now and from now on.
   * @param {number | string} mode 0 the altered one of those who alter theirs; 1 the original only; 2 the altered only:
   *   who does not alter his voice is not heard
   */
  setRecvMagicAudioMode(mode) {
    this.#life.attempt('uninit', 'setRecvMagicAudioMode', () => this.#life.voice.setMode(mode));
  }

  /**
   * Encrypts all media of the groups that are joined from now on from end to end, or puts the next key to use in such a
   * group; a few keys before it stay for frames that come late. How members get the key is the application's affair.
   * Instead of one, members may make their keys and exchange them by themselves: then each has one of his own, and another
   * one whenever somebody comes or goes.
   * @param {{ key: string | ArrayBuffer | ArrayBufferView, keyId?: number } | { exchange: true } | null} key a passphrase,
   *   or at least 16 random bytes. All members use one number for a key, from 0 to 255; default: the next one. Null ends
   *   encryption for groups that are joined later
   * @returns {Promise<void>}
   */
  setEncryptionKey(key) {
    return ignorable(this.#life.ask('uninit', 'setEncryptionKey', () => this.#life.encryption.setKey(key)));
  }

  /**
   * Goes on to the key that everybody makes of the present one; the others follow by themselves. Whoever is given the new
   * key cannot decrypt what was sent before.
   * @returns {Promise<{ keyId: number }>}
   */
  ratchetEncryptionKey() {
    return this.#life.ask('joined', 'ratchetEncryptionKey', () => this.#life.encryption.ratchet());
  }

  /**
   * Calls a user who is online; resolves when it rings, and `onCallResult` tells the rest. The ID of a call is made of
   * letters, digits and `-`.
   * @param {{ seqId?: number, groupId: string, calleeType: number, calleeId: string, extendInfo?: unknown }} options
   *   `calleeType` is 4; the telephone and other kinds fail with code 302
   * @returns {Promise<{ callId: string }>}
   */
  makeCall(options) {
    return this.#life.ask('logined', 'makeCall', () => this.#calls.make(options));
  }

  /**
   * @param {{ seqId?: number, callId?: string, groupId?: string, result: 0 | 1 }} options `result` is 0 to accept and 1
   *   to reject; without a `callId`, the call that came last
   */
  replyCall(options) {
    this.#life.attempt('logined', 'replyCall', () => this.#calls.reply(options));
  }

  /**
   * Ends a call that rings or goes on, from either end. What is over is no fault.
   * @param {string} callId
   * @returns {Promise<void>}
   */
  cancelCall(callId) {
    return ignorable(this.#life.ask('logined', 'cancelCall', () => this.#calls.end(callId)));
  }

  /**
   * The same as `cancelCall`.
   * @param {string} callId
   * @returns {Promise<void>}
   */
  finishCall(callId) {
    return ignorable(this.#life.ask('logined', 'finishCall', () => this.#calls.end(callId)));
  }

  /**
   * Not available: calls `onFailed` with code 302.
   * @param {{ onFailed?: (why: { code: number, message: string }) => void, [name: string]: unknown }} options
   */
  startUpload(options) {
    refuseUpload(options?.onFailed);
  }

  /** What there is while logged in, as the state machine has checked. */
  get #calls() {
    return /** @type {Calls} */ (this.#life.calls);
  }

  /** What there is while in a group, as the state machine has checked. */
  get #group() {
    return /** @type {Group} */ (this.#life.group);
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
