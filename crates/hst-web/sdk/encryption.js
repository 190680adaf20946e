import { ErrorCode, HstRtcError } from './errors.js';
import { isNothing } from './ids.js';
import { besideScript } from './origin.js';

/**
 * @typedef {{ carry: (media: import('./ids.js').MediaRef) => void }} Seal of one line, which is told what that carries
 * @typedef {import('./e2ee_worker.js').Key} Key
 * @typedef {import('./types.js').MediaDecryption} MediaDecryption
 */

/** The script that encrypts and decrypts, in a thread of its own. */
const SCRIPT = 'hst-rtc-e2ee.js';
/** The fewest bytes of a key. */
const MIN_KEY_SIZE = 16;

/**
 * End-to-end encryption of all media of a group. Whether a group is encrypted is decided when it is joined, so that no
 * frame ever leaves in the open; in an encrypted group the key may be followed by others.
 */
export class Encryption {
  /** Called when what arrives of a media begins to be decrypted, or cannot be. @type {(told: MediaDecryption) => void} */
  onTold = () => {};
  /** Of the next group, and of the present one where that is encrypted. @type {Key | null} */
  #key = null;
  /** @type {Promise<Worker> | null} */
  #worker = null;
  /** The group that is joined, or about to be. @type {{ isEncrypted: boolean } | null} */
  #group = null;
  #lastCall = 0;
  /** Calls that the worker has not answered. @type {Map<number, (answer: any) => void>} */
  #calls = new Map();

  /**
   * Puts a key to use, or ends encryption for groups that are joined later.
   * @param {any} options
   */
  async setKey(options) {
    if (options === null) {
      if (this.#group?.isEncrypted) throw failed('the group is encrypted: leave it first');
      await this.#end();
      return;
    }
    this.#checkGroup();
    const key = parseKey(options, this.#key);
    const worker = await this.#start();
    this.#key = key;
    if (this.#group) await this.#order(worker, { key });
  }

  /** Goes on to the key that everybody makes of the present one. */
  async ratchet() {
    this.#checkGroup();
    if (!this.#group || !this.#worker) throw failed('there is no encrypted group: call setEncryptionKey and joinGroup');
    const keyId = await this.#order(await this.#worker, { ratchet: true });
    const { id, key, steps } = /** @type {Key} */ (this.#key);
    // Others may have gone on meanwhile.
    this.#key = { id: keyId, key, steps: steps + ((keyId - id + 256) % 256) };
    return { keyId };
  }

  /**
   * A group is about to be joined.
   * @param {string} group
   * @param {string} user
   * @returns {Promise<Seals> | null} what seals its lines; null where it is not encrypted
   */
  enter(group, user) {
    const [worker, key] = [this.#worker, this.#key];
    this.#group = { isEncrypted: !!key };
    return worker && key && this.#enter(worker, { enter: { group, user }, key });
  }

  /** It is left. */
  leave() {
    this.#group = null;
  }

  /** The engine is destroyed. */
  close() {
    this.leave();
    this.#end();
  }

  /**
   * @param {Promise<Worker>} starting
   * @param {import('./e2ee_worker.js').Order} order
   */
  async #enter(starting, order) {
    const worker = await starting;
    await this.#order(worker, order);
    return new Seals(worker);
  }

  #checkGroup() {
    if (this.#group && !this.#group.isEncrypted) {
      throw failed('the group is not encrypted: leave it, call setEncryptionKey and join again');
    }
  }

  async #end() {
    const worker = this.#worker;
    this.#key = this.#worker = null;
    (await worker?.catch(() => null))?.terminate();
  }

  /** Starts the worker, unless it runs. */
  #start() {
    this.#worker ??= startWorker((data) => {
      if (data.told) return this.onTold(data.told);
      this.#calls.get(data.call)?.(data);
      this.#calls.delete(data.call);
    });
    // One that did not come about may with the next call.
    this.#worker.catch(() => (this.#worker = null));
    return this.#worker;
  }

  /**
   * @param {Worker} worker
   * @param {import('./e2ee_worker.js').Order} order
   * @returns {Promise<number>} the number of the key in use
   */
  async #order(worker, order) {
    const call = ++this.#lastCall;
    const answered = new Promise((resolve) => this.#calls.set(call, resolve));
    worker.postMessage({ call, ...order });
    const { keyId, error } = await answered;
    if (error) throw failed(`the key cannot be used: ${error}`);
    return keyId;
  }
}

/** Leads the frames of each line of an encrypted group through the worker. */
export class Seals {
  /** Counts the lines of all groups. */
  static #lastLine = 0;
  #worker;

  /** @param {Worker} worker */
  constructor(worker) {
    this.#worker = worker;
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

/**
 * @param {(data: any) => void} onMessage
 * @returns {Promise<Worker>}
 */
async function startWorker(onMessage) {
  if (!('RTCRtpScriptTransform' in globalThis) || !globalThis.crypto?.subtle) {
    throw failed('this browser cannot encrypt media: it needs RTCRtpScriptTransform, and a page of https or localhost');
  }
  const worker = new Worker(workerUrl());
  await new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    const advice = `is ${SCRIPT} beside the script of the engine, and may the page load it?`;
    worker.onerror = () => reject(failed(`media cannot be encrypted: ${advice}`));
  });
  worker.onmessage = ({ data }) => onMessage(data);
  return worker;
}

/** A worker is of the page's own origin: a script from elsewhere is imported by one that is. */
function workerUrl() {
  const url = besideScript(SCRIPT);
  if (new URL(url, location.href).origin === location.origin) return url;
  return URL.createObjectURL(new Blob([`importScripts(${JSON.stringify(url)})`], { type: 'text/javascript' }));
}

/**
 * @param {any} options
 * @param {Key | null} before
 * @returns {Key}
 */
function parseKey(options, before) {
  const { key, keyId } = options ?? {};
  const id = isNothing(keyId) ? ((before?.id ?? -1) + 1) % 256 : Number(keyId);
  if (!Number.isInteger(id) || id < 0 || id > 255) throw invalid('keyId is a whole number from 0 to 255');
  if (typeof key === 'string' && key !== '') return { id, key, steps: 0 };
  const view = ArrayBuffer.isView(key) ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength) : key;
  const bytes = view instanceof ArrayBuffer || view instanceof Uint8Array ? new Uint8Array(view) : null;
  if (bytes && bytes.length >= MIN_KEY_SIZE) return { id, key: bytes, steps: 0 };
  throw invalid(`key is a passphrase, or at least ${MIN_KEY_SIZE} random bytes`);
}

/** @param {string} message */
function invalid(message) {
  return new HstRtcError(ErrorCode.INVALID_ARGUMENT, message);
}

/** @param {string} message */
function failed(message) {
  return new HstRtcError(ErrorCode.OPERATION_FAILED, message);
}
