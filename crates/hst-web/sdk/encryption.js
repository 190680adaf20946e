import { ErrorCode, HstRtcError } from './errors.js';
import { isNothing } from './ids.js';
import { KeyExchange } from './key_exchange.js';
import { besideScript } from './origin.js';
import { Seals } from './seals.js';

/**
 * @typedef {import('./e2ee_worker.js').Key} Key
 * @typedef {import('./e2ee_worker.js').Order} Order
 * @typedef {import('./types.js').MediaDecryption} MediaDecryption
 */

/** The script that encrypts and decrypts, in a thread of its own. */
const SCRIPT = 'hst-rtc-e2ee.js';
/** The fewest bytes of a key. */
const MIN_KEY_SIZE = 16;
/** In the place of a key: members make and exchange keys by themselves. */
const EXCHANGE = 'exchange';

/**
 * End-to-end encryption of all media of a group. Whether a group is encrypted is decided when it is joined, so that no
 * frame ever leaves in the open: once there is a key, groups are joined with it or not at all.
 */
export class Encryption {
  /** Called when what arrives of a media begins to be decrypted, or cannot be. @type {(told: MediaDecryption) => void} */
  onTold = () => {};
  /** Of the next group, and of the present one where that is encrypted. @type {Key | typeof EXCHANGE | null} */
  #key = null;
  /** @type {Promise<Worker> | null} */
  #worker = null;
  /** What the group has that is joined, or about to be. @type {{ key: Key | typeof EXCHANGE | null } | null} */
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
      if (this.#group?.key) throw failed('the group is encrypted: leave it first');
      await this.#end();
      return;
    }
    const group = this.#group;
    if (group) this.#checkGroup();
    const key = options?.exchange === true ? EXCHANGE : parseKey(options, this.#key);
    if (group && key === EXCHANGE) throw failed('the group has a key: leave it, and join again without one');
    // Before anything is waited for: a group that is joined meanwhile has it.
    this.#key = key;
    const worker = await this.#start();
    if (group && group === this.#group && key !== EXCHANGE) await this.#order(worker, { key });
  }

  /** Goes on to the key that everybody makes of the present one. */
  async ratchet() {
    const before = this.#checkGroup();
    const keyId = await this.#order(await this.#start(), { ratchet: true });
    // Others may have gone on meanwhile.
    this.#key = { ...before, id: keyId, steps: before.steps + ((keyId - before.id + 256) % 256) };
    return { keyId };
  }

  /**
   * A group is about to be joined.
   * @param {string} group
   * @param {string} user
   * @param {Omit<import('./key_exchange.js').Errands, 'setKey' | 'forget'>} errands
   * @returns {Promise<Seals> | null} what seals its lines; null where it is not encrypted
   */
  enter(group, user, errands) {
    this.#group = { key: this.#key };
    if (!this.#key) return null;
    return this.#enter(group, user, errands).catch((error) => {
      this.leave();
      throw error;
    });
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
   * @param {string} group
   * @param {string} user
   * @param {Omit<import('./key_exchange.js').Errands, 'setKey' | 'forget'>} errands
   */
  async #enter(group, user, errands) {
    // What is still under way when the group is left does not concern the next one.
    const entered = this.#group;
    const isHere = () => this.#group === entered;
    const worker = await this.#start();
    const isExchanged = this.#key === EXCHANGE;
    const exchange = isExchanged
      ? new KeyExchange(group, user, {
          ...errands,
          setKey: async (id, key, of) => isHere() && this.#order(worker, { key: { id, key, steps: 0 }, of }),
          forget: (of) => isHere() && worker.postMessage({ forget: of }),
        })
      : null;
    const key = exchange?.key ?? /** @type {Key} */ (this.#key);
    await this.#order(worker, { enter: { group, user, isExchanged }, key });
    return new Seals(worker, exchange);
  }

  /** What the group must have whose key is to be another one. */
  #checkGroup() {
    const key = this.#group?.key ?? null;
    if (!key) throw failed('the group is not encrypted: leave it, call setEncryptionKey and join again');
    if (key === EXCHANGE) throw failed('the members of this group make their keys by themselves');
    return /** @type {Key} */ (this.#key);
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
   * @param {Order} order
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
 * @param {Key | 'exchange' | null} before
 * @returns {Key}
 */
function parseKey(options, before) {
  const { key, keyId } = options ?? {};
  const id = isNothing(keyId) ? ((before && before !== EXCHANGE ? before.id : -1) + 1) % 256 : Number(keyId);
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
