import { toBase64 } from './base64.js';

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const [SECRET_SIZE, NONCE_SIZE] = [32, 12];
/** The bytes of a point of P-256, neither of whose coordinates is left out. */
const POINT_SIZE = 65;
/** A safety number has so many groups of five digits. */
const DIGIT_GROUPS = 12;
const ECDH = { name: 'ECDH', namedCurve: 'P-256' };

const text = new TextEncoder();

/** Who a member is for one stay in a group: a pair of keys, by which others wrap secrets that he alone can unwrap. */
export class Identity {
  #group;
  #self;
  #pair;

  /**
   * @param {string} group
   * @param {string} self
   * @param {CryptoKeyPair} pair
   * @param {Bytes} own
   */
  constructor(group, self, pair, own) {
    this.#group = group;
    this.#self = self;
    this.#pair = pair;
    /** The public key. */
    this.own = own;
  }

  /**
   * @param {string} group
   * @param {string} self
   */
  static async make(group, self) {
    const pair = await crypto.subtle.generateKey(ECDH, false, ['deriveBits']);
    return new Identity(group, self, pair, new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
  }

  /**
   * A secret for the one who has the public key `theirs`.
   * @param {string} user
   * @param {Bytes} theirs
   * @param {number} number which secret it is
   * @param {Bytes} secret
   */
  async wrap(user, theirs, number, secret) {
    const iv = randomBytes(NONCE_SIZE);
    const key = await this.#between(this.#self, user, theirs);
    const cipher = { name: 'AES-GCM', iv, additionalData: bytesOf(number) };
    const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher, key, secret));
    const wrapped = new Uint8Array(NONCE_SIZE + sealed.length);
    wrapped.set(iv);
    wrapped.set(sealed, NONCE_SIZE);
    return wrapped;
  }

  /**
   * A secret of the one who has the public key `theirs`; rejects what is none.
   * @param {string} user
   * @param {Bytes} theirs
   * @param {unknown} id which secret it is said to be
   * @param {Bytes} wrapped
   */
  async unwrap(user, theirs, id, wrapped) {
    const number = checkNumber(id);
    const key = await this.#between(user, this.#self, theirs);
    const iv = wrapped.subarray(0, NONCE_SIZE);
    const cipher = { name: 'AES-GCM', iv, additionalData: bytesOf(number) };
    const secret = new Uint8Array(await crypto.subtle.decrypt(cipher, key, wrapped.subarray(NONCE_SIZE)));
    if (secret.length !== SECRET_SIZE) throw new Error('no key');
    return { number, secret };
  }

  /**
   * What is known to two members alone, for what one sends to the other, one of whom has the public key `theirs`.
   * @param {string} from
   * @param {string} to
   * @param {Bytes} theirs
   */
  async #between(from, to, theirs) {
    const ecdh = { name: 'ECDH', public: await importPublic(theirs) };
    const shared = await crypto.subtle.deriveBits(ecdh, this.#pair.privateKey, 256);
    const secret = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveKey']);
    const [first, second] = from === this.#self ? [this.own, theirs] : [theirs, this.own];
    const names = `${this.#group}/${from}/${to}/${toBase64(first)}/${toBase64(second)}`;
    const info = text.encode(`hst-e2ee 1 wrap ${names}`);
    const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
    return crypto.subtle.deriveKey(hkdf, secret, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  }
}

/** A fresh one, to send media under. */
export function randomSecret() {
  return randomBytes(SECRET_SIZE);
}

/**
 * What all members of a group see alike, if nobody stands between them.
 * @param {string} group
 * @param {{ user: string, key: Bytes }[]} members all of them, in any order, with their public keys
 */
export async function safetyNumber(group, members) {
  const all = [...members].sort((a, b) => (a.user < b.user ? -1 : 1));
  const lines = all.map(({ user, key }) => `${user}/${toBase64(key)}\n`);
  const hash = await crypto.subtle.digest('SHA-512', text.encode(`hst-e2ee 1 safety ${group}\n${lines.join('')}`));
  const bytes = [...new Uint8Array(hash)];
  const digits = Array.from({ length: DIGIT_GROUPS }, (_, at) => {
    const number = bytes.slice(at * 5, at * 5 + 5).reduce((sum, byte) => sum * 256 + byte, 0);
    return String(number % 100_000).padStart(5, '0');
  });
  return digits.join(' ');
}

/**
 * Rejects what is no point of the curve.
 * @param {Bytes} key
 */
export async function importPublic(key) {
  if (key.length !== POINT_SIZE) throw new Error('no public key');
  return crypto.subtle.importKey('raw', key, ECDH, true, []);
}

/** @param {unknown} id */
function checkNumber(id) {
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id;
  throw new Error('no number of a key');
}

/**
 * In 8 bytes, the highest first.
 * @param {number} number
 */
function bytesOf(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/** @param {number} size */
function randomBytes(size) {
  return crypto.getRandomValues(new Uint8Array(size));
}
