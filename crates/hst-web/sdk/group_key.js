import { KEY_SIZE, SframeKey, concat, hkdf, number, secretOf } from './sframe.js';

/** How often a passphrase is hashed: some tenths of a second for who knows it, years for who guesses a good one. */
const PASSPHRASE_ROUNDS = 600_000;
/** The bytes of a secret. */
const SECRET_SIZE = 32;
/** How many keys are kept: the one in use, and those before it for frames that come late. The oldest gives way. */
const KEPT_KEYS = 4;
/** How many steps a key that is ahead of ours is looked for by ratcheting. */
const RATCHET_WINDOW = 8;

const text = new TextEncoder();

/** The secret that the members of a group share. Nobody encrypts with it: each member's key is derived of it. */
export class GroupKey {
  #secret;
  #fingerprint;

  /**
   * @param {CryptoKey} secret
   * @param {string} fingerprint
   */
  constructor(secret, fingerprint) {
    this.#secret = secret;
    this.#fingerprint = fingerprint;
  }

  /**
   * Of bytes that nobody can guess, or of a passphrase that people tell each other.
   * @param {Uint8Array<ArrayBuffer> | string} key
   * @param {string} group its name is a part of what a passphrase gives
   */
  static async of(key, group) {
    if (typeof key !== 'string') return GroupKey.#from(await secretOf(key), 'hst-e2ee 1 group key');
    const passphrase = await crypto.subtle.importKey('raw', text.encode(key), 'PBKDF2', false, ['deriveBits']);
    const salt = text.encode(`hst-e2ee 1 passphrase ${group}`);
    const rounds = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: PASSPHRASE_ROUNDS };
    const secret = await crypto.subtle.deriveBits(rounds, passphrase, SECRET_SIZE * 8);
    return GroupKey.#holding(new Uint8Array(secret));
  }

  /** The next key that everybody makes of this one, and of which nobody makes this one. */
  ratcheted() {
    return GroupKey.#from(this.#secret, 'hst-e2ee 1 ratchet');
  }

  /** @param {GroupKey} other */
  equals(other) {
    return this.#fingerprint === other.#fingerprint;
  }

  /**
   * The key of one sender. Its number is a part of it, so no two senders, and no two lives of one, ever share a key.
   * @param {string} group
   * @param {string} user
   * @param {bigint} kid
   */
  async ofSender(group, user, kid) {
    const info = concat(text.encode(`hst-e2ee 1 sender ${group}/${user}/`), number(kid, 8));
    return SframeKey.derive(kid, await hkdf(this.#secret, info, KEY_SIZE));
  }

  /**
   * @param {CryptoKey} secret
   * @param {string} info
   */
  static async #from(secret, info) {
    return GroupKey.#holding(await hkdf(secret, text.encode(info), SECRET_SIZE));
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  static async #holding(bytes) {
    const secret = await secretOf(bytes);
    // The secret itself is never to be had again: keys are told apart by something that nobody decrypts with.
    const fingerprint = await hkdf(secret, text.encode('hst-e2ee 1 fingerprint'), SECRET_SIZE);
    return new GroupKey(secret, String(fingerprint));
  }
}

/** The keys of a group by their numbers, which count up and begin at 0 again after 255. */
export class KeyRing {
  /** The one in use is the last. @type {{ id: number, key: GroupKey }[]} */
  #keys = [];

  /**
   * Puts a key to use; one of the same number is forgotten, and so is the oldest of too many.
   * @param {number} id
   * @param {GroupKey} key
   */
  set(id, key) {
    this.#keys = [...this.#keys.filter((other) => other.id !== id), { id, key }].slice(-KEPT_KEYS);
  }

  /** The key in use. */
  get current() {
    return this.#keys.at(-1) ?? null;
  }

  /** @param {number} id of one that is kept */
  get(id) {
    return this.#keys.find((other) => other.id === id)?.key ?? null;
  }

  /**
   * @param {number} id
   * @param {GroupKey} key
   */
  isCurrent(id, key) {
    return this.current?.id === id && this.current.key.equals(key);
  }

  /**
   * The key of a number: one that is kept, or one that the key in use becomes within a few steps of ratcheting.
   * @param {number} id
   * @returns {Promise<GroupKey | null>}
   */
  async find(id) {
    const kept = this.get(id);
    if (kept || !this.current) return kept;
    const steps = (id - this.current.id + 256) % 256;
    if (steps > RATCHET_WINDOW) return null;
    let { key } = this.current;
    for (let step = 0; step < steps; step += 1) key = await key.ratcheted();
    return key;
  }
}
