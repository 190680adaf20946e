import { fromBase64, toBase64 } from './base64.js';
import { HstRtcError } from './errors.js';

/**
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 *
 * @typedef {object} Errands what an exchange needs others to do
 * @property {(users: string[], body: object) => Promise<unknown>} send a message to some of the group
 * @property {(id: number, key: Bytes, user?: string) => Promise<unknown>} setKey one's own, or that of another member
 * @property {(user: string) => void} forget all keys of a member
 * @property {(safetyNumber: string) => void} tell that the members' keys are others than before
 * @property {(error: HstRtcError) => void} report that the server does not carry messages
 *
 * @typedef {object} Letter what members send each other: who one is, and for those who are known the own key
 * @property {string} public in base64
 * @property {number} [id]
 * @property {Record<string, string>} [keys] the key in use, encrypted for each user
 */

/** The field of a message of the group that is a letter. */
const FIELD = 'hst_e2ee';
/** The most members that one letter has keys for: so many fit into a message. */
const MAX_KEYS = 48;
const [SECRET_SIZE, NONCE_SIZE] = [32, 12];
/** A safety number has so many groups of five digits. */
const DIGIT_GROUPS = 12;
const ECDH = { name: 'ECDH', namedCurve: 'P-256' };

const text = new TextEncoder();

/**
 * The letter in a message of the group; null for one that is the application's.
 * @param {any} body
 * @returns {Letter | null}
 */
export function letterIn(body) {
  const letter = body?.[FIELD];
  return letter && typeof letter === 'object' ? letter : null;
}

/**
 * Gives each member a key of his own under which he sends, and each other member that key, over messages that the server
 * carries and cannot read. Whoever comes or goes makes everybody take another key.
 *
 * The server could pretend to be a member towards another one. Then their safety numbers differ.
 */
export class KeyExchange {
  #group;
  #self;
  #errands;
  /** Of this stay in the group. @type {Promise<{ pair: CryptoKeyPair, own: Bytes }>} */
  #identity = makeIdentity();
  /** The public keys of the others. @type {Map<string, Bytes>} */
  #others = new Map();
  /** What one sends under. */
  #id = 0;
  #secret = randomBytes(SECRET_SIZE);
  #isOpen = true;
  /** One step after the other. @type {Promise<unknown>} */
  #steps = Promise.resolve();

  /**
   * @param {string} group
   * @param {string} self
   * @param {Errands} errands
   */
  constructor(group, self, errands) {
    this.#group = group;
    this.#self = self;
    this.#errands = errands;
  }

  /** The key to begin with. */
  get key() {
    return { id: this.#id, key: this.#secret, steps: 0 };
  }

  /**
   * The group is joined, or may have been lost from sight: introduces itself to the others.
   * @param {string[]} members the others
   */
  begin(members) {
    return this.#step(async () => {
      for (const user of this.#others.keys()) if (!members.includes(user)) this.#drop(user);
      const { own } = await this.#identity;
      await this.#post(members, () => ({ public: toBase64(own) }));
      await this.#tell();
    });
  }

  /** The group is left. */
  close() {
    this.#isOpen = false;
  }

  /** @param {string} user who has left */
  handleLeft(user) {
    return this.#step(async () => {
      if (!this.#others.has(user)) return;
      this.#drop(user);
      await this.#renew();
    });
  }

  /**
   * @param {string} user
   * @param {Letter} letter
   */
  handleLetter(user, letter) {
    return this.#step(async () => {
      const theirs = fromBase64(letter.public);
      const known = this.#others.get(user);
      const isNew = !known || toBase64(known) !== toBase64(theirs);
      // Whose key is no point of the curve is nobody.
      await importPublic(theirs);
      if (isNew) this.#drop(user);
      this.#others.set(user, theirs);
      const wrapped = letter.keys && Object.hasOwn(letter.keys, this.#self) ? letter.keys[this.#self] : null;
      if (wrapped) await this.#take(user, checkId(letter.id), fromBase64(wrapped));
      // Who comes gets a key that nothing was sent under; who has only lost sight of us gets the present one again.
      if (isNew && !wrapped) await this.#renew();
      else if (isNew || !wrapped) await this.#give([user]);
      if (isNew) await this.#tell();
    });
  }

  /**
   * Another key for all that is sent from now on. The others have it before they see anything under it; when it does not
   * get through to them, they see nothing, rather than somebody who has left seeing on.
   */
  async #renew() {
    this.#id = (this.#id + 1) % 256;
    this.#secret = randomBytes(SECRET_SIZE);
    try {
      await this.#give([...this.#others.keys()]);
    } finally {
      await this.#errands.setKey(this.#id, this.#secret);
    }
  }

  /** @param {string[]} users who get the own key */
  async #give(users) {
    const { own } = await this.#identity;
    await this.#post(users, async (some) => {
      const wrapped = some.map(async (user) => [user, toBase64(await this.#wrap(user))]);
      return { public: toBase64(own), id: this.#id, keys: Object.fromEntries(await Promise.all(wrapped)) };
    });
  }

  /**
   * @param {string[]} users
   * @param {(some: string[]) => Letter | Promise<Letter>} write
   */
  async #post(users, write) {
    for (let at = 0; at < users.length; at += MAX_KEYS) {
      const some = users.slice(at, at + MAX_KEYS);
      await this.#errands.send(some, { [FIELD]: await write(some) });
    }
  }

  /** @param {string} user */
  async #wrap(user) {
    const iv = randomBytes(NONCE_SIZE);
    const key = await this.#between(this.#self, user);
    const cipher = { name: 'AES-GCM', iv, additionalData: Uint8Array.of(this.#id) };
    const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher, key, this.#secret));
    const wrapped = new Uint8Array(NONCE_SIZE + sealed.length);
    wrapped.set(iv);
    wrapped.set(sealed, NONCE_SIZE);
    return wrapped;
  }

  /**
   * @param {string} user
   * @param {number} id
   * @param {Bytes} wrapped
   */
  async #take(user, id, wrapped) {
    const key = await this.#between(user, this.#self);
    const cipher = { name: 'AES-GCM', iv: wrapped.subarray(0, NONCE_SIZE), additionalData: Uint8Array.of(id) };
    const secret = await crypto.subtle.decrypt(cipher, key, wrapped.subarray(NONCE_SIZE));
    await this.#errands.setKey(id, new Uint8Array(secret), user);
  }

  /**
   * What is known to two members alone, for what one sends to the other.
   * @param {string} from
   * @param {string} to
   */
  async #between(from, to) {
    const { pair, own } = await this.#identity;
    const theirs = /** @type {Bytes} */ (this.#others.get(from === this.#self ? to : from));
    const ecdh = { name: 'ECDH', public: await importPublic(theirs) };
    const shared = await crypto.subtle.deriveBits(ecdh, pair.privateKey, 256);
    const secret = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveKey']);
    const [first, second] = from === this.#self ? [own, theirs] : [theirs, own];
    const names = `${this.#group}/${from}/${to}/${toBase64(first)}/${toBase64(second)}`;
    const info = text.encode(`hst-e2ee 1 wrap ${names}`);
    const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
    return crypto.subtle.deriveKey(hkdf, secret, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  }

  /** @param {string} user */
  #drop(user) {
    if (this.#others.delete(user)) this.#errands.forget(user);
  }

  /** Tells what all members see alike, if nobody stands between them. */
  async #tell() {
    const { own } = await this.#identity;
    const all = [...this.#others, /** @type {[string, Bytes]} */ ([this.#self, own])].sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = all.map(([user, key]) => `${user}/${toBase64(key)}\n`);
    const hash = await crypto.subtle.digest('SHA-512', text.encode(`hst-e2ee 1 safety ${this.#group}\n${lines.join('')}`));
    const bytes = [...new Uint8Array(hash)];
    const digits = Array.from({ length: DIGIT_GROUPS }, (_, at) => {
      const number = bytes.slice(at * 5, at * 5 + 5).reduce((sum, byte) => sum * 256 + byte, 0);
      return String(number % 100_000).padStart(5, '0');
    });
    this.#errands.tell(digits.join(' '));
  }

  /**
   * What somebody else sends may be anything: a letter that is none is left out.
   * @param {() => Promise<void>} step
   */
  #step(step) {
    const done = this.#steps.then(() => (this.#isOpen ? step() : undefined));
    this.#steps = done.catch((error) => {
      if (this.#isOpen && error instanceof HstRtcError) this.#errands.report(error);
    });
    return this.#steps;
  }
}

async function makeIdentity() {
  const pair = await crypto.subtle.generateKey(ECDH, false, ['deriveBits']);
  return { pair, own: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)) };
}

/** @param {unknown} id */
function checkId(id) {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 256) return id;
  throw new Error('no number of a key');
}

/** @param {Bytes} key */
function importPublic(key) {
  return crypto.subtle.importKey('raw', key, ECDH, true, []);
}

/** @param {number} size */
function randomBytes(size) {
  return crypto.getRandomValues(new Uint8Array(size));
}
