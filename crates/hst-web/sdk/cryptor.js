import { KeyRing } from './group_key.js';
import { ReplayWindow } from './replay.js';
import { join, split, splitSealed } from './sealing.js';
import { concat, decodeHeader } from './sframe.js';

/**
 * @typedef {import('./group_key.js').GroupKey} GroupKey
 * @typedef {import('./sealing.js').Kind} Kind
 * @typedef {import('./sframe.js').SframeKey} SframeKey
 *
 * @typedef {'malformed' | 'unknown_key' | 'forged' | 'replayed'} Fault why a frame stays closed
 * @typedef {{ key: SframeKey, seen: ReplayWindow }} Sender one life of somebody else, under one key of the group
 */

/**
 * How many keys of other senders are at hand. When there are more, the one that came first is derived again when it is
 * needed, and what was seen under it may be seen once more.
 */
const MAX_SENDERS = 4096;
/** The bytes of a session's number; the number of the group's key follows them. */
const SESSION_SIZE = 6;

/** Encrypts what one member of a group sends, and decrypts what the others send. */
export class FrameCryptor {
  #group;
  #user;
  #session;
  /** Over all keys and all media, so that no key ever sees a number twice. */
  #counter = 0n;
  /** Those that one sends under; where there is no exchange, everybody does. */
  #keys = new KeyRing();
  /** In an exchange, where each member sends under keys of his own: the others'. @type {Map<string, KeyRing> | null} */
  #keysOf = null;
  /** @type {Promise<SframeKey> | null} */
  #sealing = null;
  /** By user and number of the key, in the order in which they came. @type {Map<string, Sender>} */
  #senders = new Map();

  /**
   * Of a user in a group whose members share one key; it has none yet.
   * @param {string} group
   * @param {string} user
   * @param {bigint} [session] one life of this sender, which nobody else has; for tests that know what they encrypt
   */
  constructor(group, user, session = randomSession()) {
    this.#group = group;
    this.#user = user;
    this.#session = session;
  }

  /**
   * Of a user in a group where each member sends under keys of his own, and nobody is read whose keys are not here.
   * @param {string} group
   * @param {string} user
   */
  static inExchange(group, user) {
    const cryptor = new FrameCryptor(group, user);
    cryptor.#keysOf = new Map();
    return cryptor;
  }

  /** The number of the key in use; null without one. */
  get keyId() {
    return this.#keys.current?.id ?? null;
  }

  /**
   * Puts a key to use: what is sent from now on is encrypted under it, and where members share their keys, what comes
   * is decrypted under it and the few before it.
   * @param {number} id
   * @param {GroupKey} key
   */
  setKey(id, key) {
    if (this.#keys.isCurrent(id, key)) return;
    this.#keys.set(id, key);
    if (!this.#keysOf) this.#forgetDerived(this.#keys, id);
    this.#sealing = key.ofSender(this.#group, this.#user, (this.#session << 8n) | BigInt(id));
  }

  /**
   * Puts a key of one member of an exchange to use, under which he alone sends. Where members share their keys, nobody
   * has such a one.
   * @param {string} user
   * @param {number} id
   * @param {GroupKey} key
   */
  setKeyOf(user, id, key) {
    if (!this.#keysOf) return;
    const ring = this.#keysOf.get(user) ?? new KeyRing();
    // What was seen under it was seen.
    if (ring.isCurrent(id, key)) return;
    this.#keysOf.set(user, ring);
    ring.set(id, key);
    this.#forgetDerived(ring, id);
  }

  /**
   * Nothing of a member of an exchange is decrypted any more.
   * @param {string} user
   */
  forget(user) {
    if (!this.#keysOf?.delete(user)) return;
    for (const name of this.#senders.keys()) if (name.startsWith(`${user}/`)) this.#senders.delete(name);
  }

  /**
   * Goes on to the key that everybody makes of the present one. Others follow when they see a frame under it; whoever
   * comes with the new key cannot read what was sent before.
   * @returns {Promise<number>} its number
   */
  async ratchet() {
    const { current } = this.#keys;
    if (!current) throw new Error('there is no key to go on from');
    const id = (current.id + 1) % 256;
    this.setKey(id, await current.key.ratcheted());
    return id;
  }

  /**
   * Encrypts a frame; null where that cannot be, and it must not be sent.
   * @param {Kind} kind
   * @param {Uint8Array<ArrayBuffer>} frame
   */
  async seal(kind, frame) {
    const parts = split(kind, frame);
    if (!parts || !this.#sealing) return null;
    const counter = this.#counter++;
    const key = await this.#sealing;
    return concat(parts.prefix, await key.seal(counter, parts.prefix, parts.body));
  }

  /**
   * Decrypts a frame that is said to be of `user`; what is a fault must not be shown.
   * @param {string} user
   * @param {Kind} kind
   * @param {Uint8Array<ArrayBuffer>} sealed
   * @returns {Promise<Uint8Array<ArrayBuffer> | Fault>}
   */
  async open(user, kind, sealed) {
    const parts = splitSealed(kind, sealed);
    const header = parts && decodeHeader(parts.body);
    if (!header || header.kid >> BigInt(8 * (SESSION_SIZE + 1)) || header.ctr > Number.MAX_SAFE_INTEGER) {
      return 'malformed';
    }
    const { kid, ctr, size } = header;
    const { prefix, body } = parts;
    const name = `${user}/${kid}`;
    const known = this.#senders.get(name);
    if (known && !known.seen.isFresh(Number(ctr))) return 'replayed';
    const id = idOf(kid);
    const ring = this.#ringOf(user);
    if (!ring) return 'unknown_key';
    // What is here now: while something is waited for, keys may be set and users forgotten.
    const { current } = ring;
    const isKept = ring.get(id) !== null;
    const groupKey = known ? null : await ring.find(id);
    if (!known && !groupKey) return 'unknown_key';
    const key = known?.key ?? (await /** @type {GroupKey} */ (groupKey).ofSender(this.#group, user, kid));
    const opened = await key.open(ctr, prefix, body.subarray(size));
    // One that was only guessed by ratcheting is none.
    if (!opened) return isKept ? 'forged' : 'unknown_key';
    if (this.#ringOf(user) !== ring) return 'unknown_key';
    if (groupKey) {
      const kept = ring.get(id);
      if (kept ? !kept.equals(groupKey) : ring.current !== current) return 'unknown_key';
      if (!kept && this.#keysOf) this.setKeyOf(user, id, groupKey);
      else if (!kept) this.setKey(id, groupKey);
    } else if (this.#senders.get(name) !== known) {
      return 'unknown_key';
    }
    // While this one was decrypted, another one may have come to an end.
    const { seen } = this.#senders.get(name) ?? this.#meet(name, key);
    if (!seen.isFresh(Number(ctr))) return 'replayed';
    seen.take(Number(ctr));
    return join(kind, prefix, opened);
  }

  /**
   * Those that a user sends under, if any are known.
   * @param {string} user
   */
  #ringOf(user) {
    return this.#keysOf ? (this.#keysOf.get(user) ?? null) : this.#keys;
  }

  /**
   * What was derived of a key that is gone, or of another one of the same number.
   * @param {KeyRing} ring
   * @param {number} id
   */
  #forgetDerived(ring, id) {
    for (const name of this.#senders.keys()) {
      const [of, kid] = name.split('/');
      const known = idOf(BigInt(kid));
      if (this.#ringOf(of) === ring && (known === id || !ring.get(known))) this.#senders.delete(name);
    }
  }

  /**
   * @param {string} name
   * @param {SframeKey} key by which a genuine frame was decrypted
   */
  #meet(name, key) {
    const sender = { key, seen: new ReplayWindow() };
    const [first] = this.#senders.keys();
    if (this.#senders.size === MAX_SENDERS) this.#senders.delete(first);
    this.#senders.set(name, sender);
    return sender;
  }
}

/**
 * The number of the group's key in that of a sender's.
 * @param {bigint} kid
 */
function idOf(kid) {
  return Number(kid & 0xffn);
}

function randomSession() {
  const bytes = crypto.getRandomValues(new Uint8Array(SESSION_SIZE));
  return bytes.reduce((session, byte) => (session << 8n) | BigInt(byte), 0n);
}
