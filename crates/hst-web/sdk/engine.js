import { listDevices } from './devices.js';
import { DisplayMode, MediaRef, MediaType, OnlineType } from './ids.js';
import { parseInvite, parseInviteCancel, parseInviteReply, toInviteReply } from './invites.js';
import { Life } from './life.js';
import { parseGroupMessage, parsePage, parseUserMessage, toGroupMessage } from './messages.js';
import { parsePicture } from './picture.js';
import { checkToken, parseKick, parseLock, parseMute, parseState } from './requests.js';

/**
 * @typedef {import('./group.js').Group} Group
 * @typedef {import('./presence.js').Presence} Presence
 * @typedef {import('./signal.js').Signal} Signal
 */

/**
 * The engine: `init`, `login`, `joinGroup`, media and messages, `leaveGroup`, `exit`, `destroy`. Its reference is
 * `hst-rtc-engine.d.ts`.
 *
 * No method throws: all but `destroy` and those of events return a promise, which fails with an `HstRtcError`. Where
 * applications are used to calls without a result, the promise may be ignored and the failure comes as `onError` too.
 */
export class HstRtcEngine {
  #life = new Life();

  /** @param {string | null} [accessUrl] without it, the origin that served this script */
  init(accessUrl) {
    return this.#life.init(accessUrl);
  }

  /** @param {any} options */
  login(options) {
    return this.#life.login(options);
  }

  /** @param {string} groupId */
  joinGroup(groupId) {
    return this.#life.joinGroup(groupId);
  }

  /** Everything published and received ends with this call; the promise waits for the server's word. */
  leaveGroup() {
    return ignorable(this.#life.leaveGroup());
  }

  /** Everything ends with this call; the promise waits up to 3 s for the server's word, and does not fail without it. */
  exit() {
    return ignorable(this.#life.exit());
  }

  /** The same as `exit`. */
  logout() {
    return this.exit();
  }

  /** Leaves, exits and forgets the addresses; subscriptions stay, and `init` begins anew. */
  destroy() {
    this.#life.destroy();
  }

  /** @param {string} token a newer one, so that the session outlives the one that it began with */
  renewToken(token) {
    return this.#attempt('logined', 'renewToken', () => this.#signal.renew(checkToken(token)));
  }

  /**
   * @param {string} name
   * @param {import('./bus.js').Callback} callback
   * @param {unknown} [context] what the callback sees as `this`
   */
  subEvent(name, callback, context) {
    this.#life.bus.subscribe(name, callback, context);
  }

  /**
   * The same as `subEvent`.
   * @param {string} name
   * @param {import('./bus.js').Callback} callback
   * @param {unknown} [context]
   */
  on(name, callback, context) {
    this.#life.bus.subscribe(name, callback, context);
  }

  /**
   * Without a callback all of that name end, without a name all.
   * @param {string | null} [name]
   * @param {import('./bus.js').Callback | null} [callback]
   * @param {unknown} [context]
   */
  unsubEvent(name, callback, context) {
    this.#life.bus.unsubscribe(name, callback, context);
  }

  /**
   * @param {number} mediaType
   * @param {string | null} [mediaId] the device; a microphone and a screen are published under a fixed id
   * @param {object | null} [options] width, height, frameRate, bitRate
   */
  startPublishMedia(mediaType, mediaId, options) {
    return this.#attempt('joined', 'startPublishMedia', () => {
      const { boards, publisher } = this.#group;
      return isBoard(mediaType) ? boards.publish(mediaId) : publisher.start(mediaType, mediaId, options);
    });
  }

  /**
   * @param {number} mediaType
   * @param {string | null} [mediaId] without it, all of that type
   */
  stopPublishMedia(mediaType, mediaId) {
    return this.#attempt('inited', 'stopPublishMedia', () => {
      const { group } = this.#life;
      return isBoard(mediaType) ? group?.boards.unpublish(mediaId) : group?.publisher.stop(mediaType, mediaId);
    });
  }

  /**
   * @param {string} userId
   * @param {number} mediaType
   * @param {string} mediaId
   */
  startReceiveMedia(userId, mediaType, mediaId) {
    const start = () => {
      const { boards, receiver } = this.#group;
      return isBoard(mediaType) ? boards.receive(userId, mediaId) : receiver.start(userId, mediaType, mediaId);
    };
    return ignorable(this.#ask('joined', 'startReceiveMedia', start));
  }

  /**
   * @param {string} userId
   * @param {number} mediaType
   * @param {string} mediaId
   */
  stopReceiveMedia(userId, mediaType, mediaId) {
    return this.#ask('inited', 'stopReceiveMedia', () => {
      const { group } = this.#life;
      return isBoard(mediaType) ? group?.boards.stop(mediaId) : group?.receiver.stop(userId, mediaType, mediaId);
    });
  }

  /**
   * Shows a media in an element, now or when it comes; one's own as a preview.
   * @param {string} userId
   * @param {number} mediaType
   * @param {string | null} mediaId
   * @param {any} element a `<video>` or `<audio>`; for a white board any element that may have children
   * @param {object | null} [options] width, height and frameRate of a preview
   */
  setMediaRender(userId, mediaType, mediaId, element, options) {
    return this.#attempt('logined', 'setMediaRender', () => {
      if (isBoard(mediaType)) return this.#life.group?.boards.show(mediaId, element);
      const { captures, renderer, self } = this.#life;
      const media = this.#refOf({ userId, mediaType, mediaId });
      if (userId === self && media.type === MediaType.VIDEO && !captures.has(media)) {
        const { track } = captures.hold(media, mediaId, parsePicture(media.type, options), element);
        track.catch((error) => this.#life.report(error));
      }
      renderer.bind(media, element);
    });
  }

  /**
   * Empties an element, whatever it shows.
   * @param {string | null} _userId
   * @param {number} mediaType
   * @param {any} element of a white board its media ID
   */
  unsetMediaRender(_userId, mediaType, element) {
    return this.#attempt('inited', 'unsetMediaRender', () => {
      if (isBoard(mediaType)) return this.#life.group?.boards.hide(element);
      this.#life.renderer.unbind(element);
      this.#life.captures.release(element);
    });
  }

  getMediaDevices() {
    return this.#ask('inited', 'getMediaDevices', listDevices);
  }

  /**
   * Tells the figures of a media at an interval until it ends.
   * @param {{ userId: string, mediaType: number, mediaId: string | null }} media
   * @param {import('./stats.js').StatsCallback} callback
   * @param {number} [interval] in ms
   * @param {any} [userData] handed to the callback
   */
  getStreamStats(media, callback, interval, userData) {
    return this.#attempt('joined', 'getStreamStats', () => {
      this.#group.polls.start(this.#refOf(media), callback, interval, userData);
    });
  }

  /** @param {{ dstUserId: string, msg: unknown }} message */
  sendUserMsg(message) {
    return this.#attempt('logined', 'sendUserMsg', async () => {
      await this.#signal.request({ user_message: parseUserMessage(message, this.#signal.maxMessage) });
    });
  }

  /** @param {{ groupId?: string, msg: unknown, lossy?: boolean }} message */
  sendGroupMsg(message) {
    return this.#sendToGroup('sendGroupMsg', message, null);
  }

  /** @param {{ groupId?: string, whiteList: string[], msg: unknown, lossy?: boolean }} message */
  sendGroupMsgWithWhiteList(message) {
    return this.#sendToGroup('sendGroupMsgWithWhiteList', message, 'whiteList');
  }

  /** @param {{ groupId?: string, blackList: string[], msg: unknown, lossy?: boolean }} message */
  sendGroupMsgWithBlackList(message) {
    return this.#sendToGroup('sendGroupMsgWithBlackList', message, 'blackList');
  }

  /** @param {{ before?: number, limit?: number }} [options] */
  getGroupHistory(options) {
    return this.#ask('joined', 'getGroupHistory', async () => {
      const { id } = this.#group;
      /** @type {{ messages: { from: string, seq: number, body: any }[] }} */
      const { messages } = await this.#signal.request({ history: parsePage('before', options) }, REPEATABLE);
      return messages.map((message) => toGroupMessage(id, message));
    });
  }

  /** @param {{ after?: string, limit?: number }} [options] */
  getGroupUsers(options) {
    return this.#ask('joined', 'getGroupUsers', async () => {
      const { members, total, more } = await this.#signal.request({ roster: parsePage('after', options) }, REPEATABLE);
      return { userIds: members, total, more };
    });
  }

  /**
   * @param {((page: import('./presence.js').OnlinePage) => void) | null} [callback] gets all pages; without it the
   *   promise gives the first one, and the others come as events
   */
  getOnlineUsers(callback) {
    return this.#ask('logined', 'getOnlineUsers', async () => {
      const presence = /** @type {Presence} */ (this.#life.presence);
      if (typeof callback !== 'function') return presence.first();
      return presence.list((page) => show(callback, page));
    });
  }

  /** @param {string} customState what others see beside this terminal */
  setCustomState(customState) {
    return this.#attempt('logined', 'setCustomState', async () => {
      const state = parseState(customState);
      await this.#signal.request({ set_state: state }, REPEATABLE);
      this.#life.customState = state;
    });
  }

  /** @param {{ seqId: number, groupId: string, calleeInfo: (string | { userId: string })[], extendInfo?: any }} options */
  invite(options) {
    return this.#attempt('logined', 'invite', async () => {
      const invite = parseInvite(options);
      /** @type {{ offline: string[] }} */
      const { offline } = await this.#signal.request({ invite });
      for (const user of offline) {
        const reply = toInviteReply({ invite: invite.invite, user, outcome: 'offline' });
        this.#life.bus.emit('onInviteReply', [reply]);
      }
    });
  }

  /** @param {{ seqId: number, groupId?: string, operation: 0 | 1, extendInfo?: any }} options */
  replyInvite(options) {
    return this.#attempt('logined', 'replyInvite', async () => {
      await this.#signal.request({ answer_invite: parseInviteReply(options) });
    });
  }

  /** @param {{ seqId: number, groupId?: string, calleeInfo?: (string | { userId: string })[] }} options */
  cancelInvite(options) {
    return this.#attempt('logined', 'cancelInvite', async () => {
      await this.#signal.request({ cancel_invite: parseInviteCancel(options) });
    });
  }

  /**
   * Makes a white board in the group; `startPublishMedia` then shows it to everybody.
   * @param {any} [options] board_name, width, height; images, one for each page, or convert_file_path and page
   * @returns {Promise<string>} its media ID
   */
  createWhiteBoard(options) {
    return ignorable(this.#ask('joined', 'createWhiteBoard', () => this.#group.boards.create(options)));
  }

  /**
   * What to draw with, from the board's `onRemoteMediaAdd` on; null before and after.
   * @param {string | null} [mediaId]
   */
  getWhiteBoard(mediaId) {
    return this.#life.group?.boards.get(mediaId) ?? null;
  }

  /**
   * Ends a white board for everybody.
   * @param {string | null} [mediaId] without it nothing happens
   */
  closeWhiteBoard(mediaId) {
    return this.#attempt('inited', 'closeWhiteBoard', () => this.#life.group?.boards.delete(mediaId));
  }

  /**
   * How white boards fit their elements, now and from now on. It may be chosen at any time.
   * @param {string | null} mediaId without it, all of them
   * @param {number | string} mode of `DisplayMode`
   * @param {number | string} [param] the percentage of `DBSF`
   */
  setWhiteBoardDisplayMode(mediaId, mode, param) {
    this.#life.fits.set(mediaId, mode, param);
  }

  /** @param {{ userId: string, banSeconds?: number }} options */
  kickUser(options) {
    return this.#attempt('joined', 'kickUser', async () => {
      await this.#signal.request({ kick: parseKick(options) });
    });
  }

  /** @param {{ userId: string, mediaType: number, mediaId: string, muted: boolean }} options */
  muteMedia(options) {
    return this.#attempt('joined', 'muteMedia', async () => {
      await this.#signal.request({ mute: parseMute(options) }, REPEATABLE);
    });
  }

  /** @param {boolean} locked */
  lockGroup(locked) {
    return this.#attempt('joined', 'lockGroup', async () => {
      await this.#signal.request({ lock: parseLock(locked) }, REPEATABLE);
    });
  }

  /**
   * @param {string} call
   * @param {any} message
   * @param {'whiteList' | 'blackList' | null} list
   */
  #sendToGroup(call, message, list) {
    return this.#attempt('joined', call, async () => {
      const limits = { group: this.#group.id, maxMessage: this.#signal.maxMessage };
      const fields = parseGroupMessage(message, limits, list);
      await this.#signal.request({ message: fields }, { isFleeting: !!message.lossy });
    });
  }

  /**
   * Runs a call whose promise applications may ignore.
   * @param {'inited' | 'logined' | 'joined'} needs
   * @param {string} call
   * @param {() => Promise<void> | void} work
   */
  #attempt(needs, call, work) {
    const outcome = this.#ask(needs, call, work);
    outcome.catch((error) => this.#life.report(error));
    return outcome;
  }

  /**
   * Runs a call that the state has to allow.
   * @template T
   * @param {'inited' | 'logined' | 'joined'} needs
   * @param {string} call
   * @param {() => Promise<T> | T} work
   */
  async #ask(needs, call, work) {
    this.#life.require(needs, call);
    return work();
  }

  /** @param {{ userId: string, mediaType: number, mediaId: string | null }} media */
  #refOf({ userId, mediaType, mediaId }) {
    const of = userId === this.#life.self ? MediaRef.own : MediaRef.remote;
    return of(userId, mediaType, mediaId);
  }

  /** What there is while logged in, as the state machine has checked. */
  get #signal() {
    return /** @type {Signal} */ (this.#life.signal);
  }

  /** What there is while in a group, as the state machine has checked. */
  get #group() {
    return /** @type {Group} */ (this.#life.group);
  }
}

/** The platform reads its enums from an engine. */
Object.assign(HstRtcEngine.prototype, { MediaType, OnlineType, DisplayMode });

/** @param {unknown} mediaType */
function isBoard(mediaType) {
  return mediaType === MediaType.WHITE_BOARD;
}

/** Of a call that is the same when it is carried out twice. */
const REPEATABLE = { isRepeatable: true };

/**
 * A promise that may be ignored without the browser reporting it as unhandled.
 * @template T
 * @param {Promise<T>} promise
 */
function ignorable(promise) {
  promise.catch(() => {});
  return promise;
}

/**
 * @template T
 * @param {(page: T) => void} callback
 * @param {T} page
 */
function show(callback, page) {
  try {
    callback(page);
  } catch (error) {
    console.error('[HstRtcEngine] the callback of getOnlineUsers threw', error);
  }
}
