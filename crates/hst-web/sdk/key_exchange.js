import { fromBase64, toBase64 } from './base64.js';
import { HstRtcError } from './errors.js';
import { Identity, importPublic, randomSecret, safetyNumber } from './key_wrapping.js';

/**
 * @import { Bytes } from './key_wrapping.js'
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
 * @property {number} [id] which key of its sender's, by his count; its lowest 8 bits are the number in frames
 * @property {Record<string, string>} [keys] the key in use, encrypted for each user
 *
 * @typedef {object} Other a member who has introduced himself
 * @property {Bytes} key his public key, which is the same one for as long as he stays
 * @property {number} newest the number of the newest key that he gave; -1 before the first
 * @property {boolean} mayDiffer whether he may have left and come again, with another key, while nobody was looking
 */

/** The field of a message of the group that is a letter. */
const FIELD = 'hst_e2ee';
/** The most members that one letter has keys for: so many fit into a message. */
const MAX_KEYS = 48;
/** How many public keys are remembered that are of no use any more; the first of them gives way to the next. */
const MAX_DROPPED = 4096;
/** How many letters are kept of users who are not said to be here yet: further ones are left out. */
const MAX_EARLY = 64;

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
 * The server could pretend to be a member towards another one. Then their safety numbers differ, as long as it does.
 */
export class KeyExchange {
  #group;
  #self;
  #errands;
  /** Of this stay in the group. @type {Promise<Identity>} */
  #identity;
  /** All other members, whether they have introduced themselves or not. @type {Set<string>} */
  #members = new Set();
  /** Those who have. @type {Map<string, Other>} */
  #others = new Map();
  /** The public keys of those who have left. None of them comes again, unless in an old letter. @type {Set<string>} */
  #dropped = new Set();
  /** What users wrote who are about to be here: word of them may come later. @type {Map<string, Letter>} */
  #early = new Map();
  /** Counts the keys of one's own, under the last of which one sends. */
  #number = 0;
  #secret = randomSecret();
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
    this.#identity = Identity.make(group, self);
  }

  /** The key to begin with. */
  get key() {
    return { id: this.#number % 256, key: this.#secret, steps: 0 };
  }

  /**
   * The group is joined, or may have been lost from sight: introduces itself to the others.
   * @param {string[]} members those of them who are known
   */
  begin(members) {
    return this.#step(async () => {
      for (const user of members) await this.#meet(user);
      const { own } = await this.#identity;
      try {
        await this.#post([...this.#members], () => ({ public: toBase64(own) }));
      } finally {
        await this.#tell();
      }
    });
  }

  /**
   * The group is joined once more, and the others saw this member leave: to them he is a new one, so he begins as one,
   * with keys of which they know nothing. `begin` follows when it is known who is here.
   */
  beginAnew() {
    return this.#step(async () => {
      for (const user of this.#others.keys()) this.#errands.forget(user);
      for (const all of [this.#others, this.#dropped, this.#early]) all.clear();
      this.#identity = Identity.make(this.#group, this.#self);
      this.#number = 0;
      this.#secret = randomSecret();
      await this.#errands.setKey(0, this.#secret);
    });
  }

  /** What happened for a while is lost: anybody may have left and come again. `begin` follows. */
  loseSight() {
    return this.#step(async () => {
      for (const other of this.#others.values()) other.mayDiffer = true;
    });
  }

  /** The group is left. */
  close() {
    this.#isOpen = false;
  }

  /** @param {string} user who has come, and will introduce himself */
  handleJoined(user) {
    return this.#step(() => this.#meet(user));
  }

  /** @param {string} user who has left */
  handleLeft(user) {
    return this.#step(async () => {
      this.#members.delete(user);
      this.#early.delete(user);
      if (!this.#others.has(user)) return;
      this.#drop(user);
      await this.#renew().finally(() => this.#tell());
    });
  }

  /**
   * @param {string} user
   * @param {Letter} letter
   */
  handleLetter(user, letter) {
    return this.#step(() => this.#read(user, letter));
  }

  /** @param {string} user */
  async #meet(user) {
    if (user === this.#self) return;
    this.#members.add(user);
    const letter = this.#early.get(user);
    this.#early.delete(user);
    // One that is none keeps nobody from being met.
    if (letter) await this.#read(user, letter).catch(this.#complain);
  }

  /**
   * Left out is what is no letter, what is no member's, what is said to be one's own, and what has another public key
   * than this member had before.
   * @param {string} user
   * @param {Letter} letter
   */
  async #read(user, letter) {
    if (!this.#members.has(user)) return this.#keepEarly(user, letter);
    const theirs = fromBase64(letter.public);
    const name = toBase64(theirs);
    const known = this.#others.get(user);
    const isNew = !known || toBase64(known.key) !== name;
    if (isNew && (this.#dropped.has(name) || known?.mayDiffer === false)) return;
    // Whose key is no point of the curve is nobody.
    await importPublic(theirs);
    const wrapped = letter.keys && Object.hasOwn(letter.keys, this.#self) ? letter.keys[this.#self] : null;
    const identity = await this.#identity;
    const given = wrapped ? await identity.unwrap(user, theirs, letter.id, fromBase64(wrapped)) : null;
    // It is a letter: from here on it counts.
    if (isNew) this.#drop(user);
    const newest = isNew ? -1 : known.newest;
    this.#others.set(user, { key: theirs, newest: Math.max(newest, given?.number ?? -1), mayDiffer: false });
    try {
      if (given && given.number > newest) await this.#errands.setKey(given.number % 256, given.secret, user);
      // Who comes gets a key that nothing was sent under; who has only lost sight of us gets the present one again.
      if (isNew && !given) await this.#renew();
      else if (isNew || !given) await this.#give([user]);
    } finally {
      if (isNew) await this.#tell();
    }
  }

  /**
   * @param {string} user
   * @param {Letter} letter
   */
  #keepEarly(user, letter) {
    const hasRoom = this.#early.size < MAX_EARLY || this.#early.has(user);
    if (hasRoom && user !== this.#self) this.#early.set(user, letter);
  }

  /**
   * Another key for all that is sent from now on. The others have it before they see anything under it; when it does not
   * get through to them, they see nothing, rather than somebody who has left seeing on.
   */
  async #renew() {
    this.#number += 1;
    this.#secret = randomSecret();
    try {
      await this.#give([...this.#others.keys()]);
    } finally {
      await this.#errands.setKey(this.#number % 256, this.#secret);
    }
  }

  /** @param {string[]} users who get the own key */
  async #give(users) {
    const identity = await this.#identity;
    const wrap = (/** @type {string} */ user) => {
      const { key } = /** @type {Other} */ (this.#others.get(user));
      return identity.wrap(user, key, this.#number, this.#secret);
    };
    await this.#post(users, async (some) => {
      const wrapped = some.map(async (user) => [user, toBase64(await wrap(user))]);
      return { public: toBase64(identity.own), id: this.#number, keys: Object.fromEntries(await Promise.all(wrapped)) };
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
  #drop(user) {
    const other = this.#others.get(user);
    if (!other) return;
    this.#others.delete(user);
    const [first] = this.#dropped;
    if (this.#dropped.size === MAX_DROPPED) this.#dropped.delete(first);
    this.#dropped.add(toBase64(other.key));
    this.#errands.forget(user);
  }

  /** Tells what all members see alike, if nobody stands between them. */
  async #tell() {
    const { own } = await this.#identity;
    const others = [...this.#others].map(([user, { key }]) => ({ user, key }));
    this.#errands.tell(await safetyNumber(this.#group, [...others, { user: this.#self, key: own }]));
  }

  /** @param {() => Promise<void>} step */
  #step(step) {
    const done = this.#steps.then(() => (this.#isOpen ? step() : undefined));
    this.#steps = done.catch(this.#complain);
    return this.#steps;
  }

  /**
   * What somebody else sends may be anything: a letter that is none is left out.
   * @param {unknown} error
   */
  #complain = (error) => {
    if (this.#isOpen && error instanceof HstRtcError) this.#errands.report(error);
  };
}
