import { MediaRef } from './ids.js';

/**
 * @typedef {[name: string, payload: any]} Told what the application is told, by the name of its event
 * @typedef {{ user: string, type: number, media: string, name?: string, muted?: boolean }} WireMedia
 *
 * @typedef {object} Snapshot a group at one moment
 * @property {string[]} members the others, or the first of them by name
 * @property {number} total how many others there are
 * @property {WireMedia[]} media all that they publish
 * @property {boolean} [locked]
 */

/**
 * The others in the group and their media, as the application knows them. It makes the application's events of those of
 * the server, each exactly once: who is told to leave was told to be there, and nobody comes twice.
 */
export class Roster {
  /** @type {Set<string>} */
  #members = new Set();
  /** @type {Map<string, WireMedia>} */
  #media = new Map();
  #isLocked = false;

  /**
   * Everything, for who knows nothing yet.
   * @param {Snapshot} snapshot
   * @returns {Told[]}
   */
  begin(snapshot) {
    this.#members = new Set(snapshot.members);
    return [['onGroupUserList', snapshot.members], ...this.#rest(snapshot)];
  }

  /**
   * What has changed since the application was told the last time.
   * @param {Snapshot} snapshot
   * @returns {Told[]}
   */
  renew(snapshot) {
    const { members, total, media } = snapshot;
    const there = new Set(members);
    const published = new Set(media.map(keyOf));
    // Of those behind the last name of an incomplete list nothing is known.
    const last = members.length < total ? (members.at(-1) ?? '') : null;
    const gone = [...this.#members].filter((user) => !there.has(user) && (last === null || user <= last));
    return [
      ...[...this.#media.values()].filter((one) => !published.has(keyOf(one))).flatMap((one) => this.#unpublished(one)),
      ...gone.flatMap((user) => this.#left(user)),
      ...members.flatMap((user) => this.#joined(user)),
      ...this.#rest(snapshot),
    ];
  }

  /** @param {MediaRef} media of somebody else */
  isMuted(media) {
    return this.#media.get(media.key)?.muted ?? false;
  }

  /**
   * @param {string} name of an event of the group
   * @param {any} fields
   * @returns {Told[]}
   */
  handle(name, fields) {
    switch (name) {
      case 'member_joined':
        return this.#joined(fields.user);
      case 'member_left':
        return this.#left(fields.user);
      case 'members':
        return this.#changed(fields);
      case 'published':
        return this.#published(fields);
      case 'unpublished':
        return this.#unpublished(fields);
      case 'muted':
        return this.#muted(fields);
      case 'locked':
        return this.#locked(fields.locked);
      default:
        return [];
    }
  }

  /**
   * What is told in the same way at any time.
   * @param {Snapshot} snapshot
   * @returns {Told[]}
   */
  #rest({ members, total, media, locked = false }) {
    return [
      ...(members.length < total ? [countOf(total + 1, false)] : []),
      ...media.flatMap((one) => this.#published(one)),
      ...this.#locked(locked),
    ];
  }

  /**
   * @param {string} user
   * @returns {Told[]}
   */
  #joined(user) {
    if (this.#members.has(user)) return [];
    this.#members.add(user);
    return [['onUserJoinGroup', user]];
  }

  /**
   * @param {string} user
   * @returns {Told[]}
   */
  #left(user) {
    return this.#members.delete(user) ? [['onUserLeaveGroup', user]] : [];
  }

  /**
   * @param {{ joined?: string[], left?: string[], total: number, complete: boolean }} members
   * @returns {Told[]}
   */
  #changed({ joined = [], left = [], total, complete }) {
    if (!complete) return [countOf(total, false)];
    return [
      ...left.flatMap((user) => this.#left(user)),
      ...joined.flatMap((user) => this.#joined(user)),
      countOf(total, true),
    ];
  }

  /**
   * @param {WireMedia} media
   * @returns {Told[]}
   */
  #published(media) {
    const isNew = !this.#media.has(keyOf(media));
    const wasMuted = this.#media.get(keyOf(media))?.muted ?? false;
    this.#media.set(keyOf(media), media);
    return [
      ...(isNew ? [/** @type {Told} */ (['onPublishMedia', toEvent(media)])] : []),
      ...(wasMuted === (media.muted ?? false) ? [] : [mutedOf(media)]),
    ];
  }

  /**
   * @param {WireMedia} media
   * @returns {Told[]}
   */
  #unpublished(media) {
    return this.#media.delete(keyOf(media)) ? [['onUnPublishMedia', toEvent(media)]] : [];
  }

  /**
   * One's own media are not in the book, and are told of too.
   * @param {WireMedia} media
   */
  #muted(media) {
    return this.#media.has(keyOf(media)) ? this.#published(media) : [mutedOf(media)];
  }

  /**
   * @param {boolean} locked
   * @returns {Told[]}
   */
  #locked(locked) {
    if (this.#isLocked === locked) return [];
    this.#isLocked = locked;
    return [['onGroupLocked', { locked }]];
  }
}

/** @param {WireMedia} media */
function refOf({ user, type, media }) {
  return new MediaRef(user, type, media);
}

/** @param {WireMedia} media */
function keyOf(media) {
  return refOf(media).key;
}

/** @param {WireMedia} media */
function toEvent(media) {
  return { ...refOf(media).toEvent(), mediaName: media.name ?? '' };
}

/**
 * @param {WireMedia} media
 * @returns {Told}
 */
function mutedOf(media) {
  return ['onMediaMuted', { ...refOf(media).toEvent(), muted: media.muted ?? false }];
}

/**
 * @param {number} total
 * @param {boolean} complete
 * @returns {Told}
 */
function countOf(total, complete) {
  return ['onGroupUserCount', { total, complete }];
}
