import { listDevices } from './devices.js';
import { DisplayMode, MediaRef, MediaType, OnlineType, isNothing } from './ids.js';
import { parseInvite, parseInviteCancel, parseInviteReply, toInviteReply } from './invites.js';
import { parseGroupMessage, parsePage, parseUserMessage, toGroupMessage } from './messages.js';
import { parsePicture } from './picture.js';
import { checkToken, parseKick, parseLock, parseMute, parseState } from './requests.js';

/**
 * @import { Calls } from './calls.js'
 * @import { Group } from './group.js'
 * @import { Life } from './life.js'
 * @import { Presence } from './presence.js'
 * @import { Signal } from './signal.js'
 * @import {
 *   BoardOptions, Callees, Devices, Events, GroupMessage, LoginOptions, Media, MediaTypeValue, OnlinePage, PictureOptions,
 *   PictureStats, SoundStats, WhiteBoard,
 * } from './types.js'
 */

/**
 * The engine of one user. The order of calls: `init`, `login`, `joinGroup`, media and messages, `leaveGroup`, `exit`,
 * `destroy`. Applications get it with the further calls of `extras.js` and the older names of
 * `classic.js`.
 *
 * No method throws: all but `destroy` and those of events return a promise, which fails with an `HstRtcError`. Where
 * applications are used to calls without a result, the promise may be ignored and the failure comes as `onError` too.
 */
export class Engine {
  #life;

  /** @internal @param {Life} life */
  constructor(life) {
    this.#life = life;
  }

  /** The numbers of what a media carries. */
  get MediaType() {
    return MediaType;
  }

  /** Whether a user is online. */
  get OnlineType() {
    return OnlineType;
  }

  /** How a white board fits its element. */
  get DisplayMode() {
    return DisplayMode;
  }

  /**
   * Asks the Access service for the addresses of all others.
   * @param {string | null} [accessUrl] a base URL, its `/server/address`, or `host:port`; without it, the origin that
   *   served this script. Without one it is no failure when there is no Access service: `login` may name another one
   */
  init(accessUrl) {
    return this.#life.init(accessUrl);
  }

  /** @param {LoginOptions} options */
  login(options) {
    return this.#life.login(options);
  }

  /** @param {string} groupId 1 to 128 of letters, digits, `_` and `-` */
  joinGroup(groupId) {
    return this.#life.joinGroup(groupId);
  }

  /**
   * Everything published and received ends with this call, and no event of the group comes after it; the promise waits
   * for the server's word.
   */
  leaveGroup() {
    return ignorable(this.#life.leaveGroup());
  }

  /**
   * Leaves the group too. Everything ends with this call; the promise waits up to 3 s for the server's word, and does
   * not fail without it.
   */
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

  /**
   * Shows a newer token, so that the login outlives the one that it began with.
   * @param {string} token
   */
  renewToken(token) {
    return this.#attempt('logined', 'renewToken', () => this.#signal.renew(checkToken(token)));
  }

  /**
   * Events that nobody has subscribed to yet wait for their first subscriber.
   * @template {keyof Events} Name
   * @overload
   * @param {Name} name
   * @param {Events[Name]} callback
   * @param {unknown} [context] what the callback sees as `this`
   * @returns {void}
   */
  /**
   * @overload
   * @param {string} name
   * @param {(...payload: any[]) => void} callback
   * @param {unknown} [context]
   * @returns {void}
   */
  /**
   * @param {string} name
   * @param {(...payload: any[]) => void} callback
   * @param {unknown} [context]
   */
  subEvent(name, callback, context) {
    this.#life.bus.subscribe(name, callback, context);
  }

  /**
   * The same as `subEvent`.
   * @template {keyof Events} Name
   * @overload
   * @param {Name} name
   * @param {Events[Name]} callback
   * @param {unknown} [context] what the callback sees as `this`
   * @returns {void}
   */
  /**
   * @overload
   * @param {string} name
   * @param {(...payload: any[]) => void} callback
   * @param {unknown} [context]
   * @returns {void}
   */
  /**
   * @param {string} name
   * @param {(...payload: any[]) => void} callback
   * @param {unknown} [context]
   */
  on(name, callback, context) {
    this.#life.bus.subscribe(name, callback, context);
  }

  /**
   * Without a callback all subscriptions of that name end, without a name all.
   * @param {string | null} [name]
   * @param {((...payload: any[]) => void) | null} [callback]
   * @param {unknown} [context]
   */
  unsubEvent(name, callback, context) {
    this.#life.bus.unsubscribe(name, callback, context);
  }

  /**
   * Publishes the microphone (its media ID is always `appdef_mic`), a camera, or the screen (always `0`). Call it for
   * the screen inside a click.
   * @param {MediaTypeValue} mediaType
   * @param {string | null} [mediaId] the device
   * @param {PictureOptions | null} [options] of a camera or screen
   * @returns {Promise<void>} may be ignored: a failure comes as `onError` too
   */
  startPublishMedia(mediaType, mediaId, options) {
    return this.#attempt('joined', 'startPublishMedia', () => {
      const { boards, publisher } = this.#group;
      return isBoard(mediaType) ? boards.publish(mediaId) : publisher.start(mediaType, mediaId, options);
    });
  }

  /**
   * @param {MediaTypeValue} mediaType
   * @param {string | null} [mediaId] the device; without it all media of that type stop
   */
  stopPublishMedia(mediaType, mediaId) {
    return this.#attempt('uninit', 'stopPublishMedia', () => {
      const { group } = this.#life;
      return isBoard(mediaType) ? group?.boards.unpublish(mediaId) : group?.publisher.stop(mediaType, mediaId);
    });
  }

  /**
   * Resolves when the server has agreed; `onRemoteMediaAdd` tells when the media flows.
   * @param {string} userId
   * @param {MediaTypeValue} mediaType
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
   * Never fails: what is not received is no fault, at any time.
   * @param {string} userId
   * @param {MediaTypeValue} mediaType
   * @param {string} mediaId
   * @returns {Promise<void>}
   */
  stopReceiveMedia(userId, mediaType, mediaId) {
    return this.#ask('uninit', 'stopReceiveMedia', () => {
      const { group } = this.#life;
      return isBoard(mediaType) ? group?.boards.stop(mediaId) : group?.receiver.stop(userId, mediaType, mediaId);
    });
  }

  /**
   * Shows a media in an element, now or when it comes; with the own User ID as a preview. The sound of a user plays in
   * the element set for it, or else in one that shows the user.
   * @param {string | null} userId of a white board it does not matter
   * @param {MediaTypeValue} mediaType
   * @param {string | null} mediaId
   * @param {HTMLElement} element a `<video>` or `<audio>`; of a white board a `<div>`
   * @param {PictureOptions | null} [options] of a preview
   */
  setMediaRender(userId, mediaType, mediaId, element, options) {
    return this.#attempt('logined', 'setMediaRender', () => {
      if (isBoard(mediaType)) return this.#life.group?.boards.show(mediaId, element);
      const { captures, renderer, self } = this.#life;
      const media = this.#refOf({ userId: userId ?? '', mediaType, mediaId });
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
   * @param {MediaTypeValue} mediaType
   * @param {any} element of a white board its media ID
   */
  unsetMediaRender(_userId, mediaType, element) {
    return this.#attempt('uninit', 'unsetMediaRender', () => {
      if (isBoard(mediaType)) return this.#life.group?.boards.hide(element);
      this.#life.renderer.unbind(element);
      this.#life.captures.release(element);
    });
  }

  /**
   * Asks the user for permission when needed. Where a page may use no devices, the lists are empty.
   * @returns {Promise<Devices>}
   */
  getMediaDevices() {
    return this.#ask('inited', 'getMediaDevices', listDevices);
  }

  /**
   * Where everything plays from now on, also in elements to come.
   * @param {string | null} [deviceId] without it, where the browser likes
   */
  chooseSpkDevice(deviceId) {
    const speaker = isNothing(deviceId) ? '' : String(deviceId);
    this.#attempt('uninit', 'chooseSpkDevice', () => this.#life.renderer.setSpeaker(speaker));
  }

  /**
   * Puts another microphone or camera behind a media that is published, without anybody else noticing more than another
   * voice or picture.
   * @param {MediaTypeValue} mediaType
   * @param {string | null} mediaId
   * @param {string} deviceId
   */
  switchDevice(mediaType, mediaId, deviceId) {
    const { group } = this.#life;
    return this.#attempt('joined', 'switchDevice', () => group?.publisher.switchDevice(mediaType, mediaId, deviceId));
  }

  /**
   * Tells the figures of a media at an interval until it ends; waits for it when it does not flow yet.
   * @template {MediaTypeValue} Kind
   * @template [Data=undefined]
   * @param {{ userId: string, mediaType: Kind, mediaId: string | null }} media
   * @param {(stats: Kind extends 1 ? SoundStats : PictureStats, userData: Data) => void} callback
   * @param {number} [interval] in ms
   * @param {Data} [userData] handed to the callback
   */
  getStreamStats(media, callback, interval, userData) {
    return this.#attempt('joined', 'getStreamStats', () => {
      this.#group.polls.start(this.#refOf(media), callback, interval, userData);
    });
  }

  /**
   * Writes to a user of the App who is online, in whatever group.
   * @param {{ dstUserId: string, msg: unknown }} message `msg` is any JSON value of at most 8 KiB, where the App does
   *   not say otherwise
   */
  sendUserMsg(message) {
    return this.#attempt('logined', 'sendUserMsg', async () => {
      await this.#signal.request({ user_message: parseUserMessage(message, this.#signal.maxMessage) });
    });
  }

  /**
   * Writes to everybody else in the group, who all get it in the same order.
   * @param {{ groupId?: string, msg: unknown, lossy?: boolean }} message `lossy` leaves it out where somebody is slow
   *   or away, such as the position of a pointer
   */
  sendGroupMsg(message) {
    return this.#sendToGroup('sendGroupMsg', message, null);
  }

  /**
   * @param {{ groupId?: string, whiteList: string[], msg: unknown, lossy?: boolean }} message `whiteList` names at most 128
   *   users: only they get it
   */
  sendGroupMsgWithWhiteList(message) {
    return this.#sendToGroup('sendGroupMsgWithWhiteList', message, 'whiteList');
  }

  /**
   * @param {{ groupId?: string, blackList: string[], msg: unknown, lossy?: boolean }} message `blackList` names at most 128
   *   users: all others get it
   */
  sendGroupMsgWithBlackList(message) {
    return this.#sendToGroup('sendGroupMsgWithBlackList', message, 'blackList');
  }

  /**
   * Earlier messages of the group, where it keeps any, in their order.
   * @param {{ before?: number, limit?: number }} [options] the latest, or those before a `msgId`; at most 500
   * @returns {Promise<GroupMessage[]>}
   */
  getGroupHistory(options) {
    return this.#ask('joined', 'getGroupHistory', async () => {
      const { id } = this.#group;
      /** @type {{ messages: { from: string, seq: number, body: any }[] }} */
      const { messages } = await this.#signal.request({ history: parsePage('before', options) }, REPEATABLE);
      return messages.map((message) => toGroupMessage(id, message));
    });
  }

  /**
   * Who is in the group, by name, oneself left out.
   * @param {{ after?: string, limit?: number }} [options] only those behind a name; at most 500
   * @returns {Promise<{ userIds: string[], total: number, more: boolean }>}
   */
  getGroupUsers(options) {
    return this.#ask('joined', 'getGroupUsers', async () => {
      const { members, total, more } = await this.#signal.request({ roster: parsePage('after', options) }, REPEATABLE);
      return { userIds: members, total, more };
    });
  }

  /**
   * Who is online, and from then on each change as `onOnlineUserState`. The first page is the result; users of further
   * pages come as events too, so that everybody is told of once.
   * @overload
   * @returns {Promise<OnlinePage>}
   */
  /**
   * The same, with all pages for the callback; the promise settles behind the last one.
   * @overload
   * @param {(page: OnlinePage) => void} callback
   * @returns {Promise<void>}
   */
  /**
   * @param {((page: OnlinePage) => void) | null} [callback]
   * @returns {Promise<OnlinePage | void>}
   */
  getOnlineUsers(callback) {
    return this.#ask('logined', 'getOnlineUsers', async () => {
      const presence = /** @type {Presence} */ (this.#life.presence);
      if (typeof callback !== 'function') return presence.first();
      return presence.list((page) => show('getOnlineUsers', callback, page));
    });
  }

  /**
   * Sets the text that others see beside this terminal; at most 1 KiB.
   * @param {string} customState
   */
  setCustomState(customState) {
    return this.#attempt('logined', 'setCustomState', async () => {
      const state = parseState(customState);
      await this.#signal.request({ set_state: state }, REPEATABLE);
      this.#life.customState = state;
    });
  }

  /**
   * @param {{ seqId: number, groupId: string, calleeInfo: Callees, extendInfo?: unknown }} options `seqId` is one's own
   *   number for it, which the answers name
   */
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

  /**
   * @param {{ seqId: number, groupId?: string, operation: 0 | 1, extendInfo?: unknown }} options `seqId` as in
   *   `onCommingInvite`; `operation` is 0 to accept and 1 to reject
   */
  replyInvite(options) {
    return this.#attempt('logined', 'replyInvite', async () => {
      await this.#signal.request({ answer_invite: parseInviteReply(options) });
    });
  }

  /**
   * @param {{ seqId: number, groupId?: string, calleeInfo?: Callees }} options without `calleeInfo`, all who have not
   *   answered
   */
  cancelInvite(options) {
    return this.#attempt('logined', 'cancelInvite', async () => {
      await this.#signal.request({ cancel_invite: parseInviteCancel(options) });
    });
  }

  /**
   * Makes a white board in the group; `startPublishMedia` then shows it to everybody.
   * @param {BoardOptions} [options]
   * @returns {Promise<string>} its media ID
   */
  createWhiteBoard(options) {
    return ignorable(this.#ask('joined', 'createWhiteBoard', () => this.#group.boards.create(options)));
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
    return this.#attempt('uninit', 'closeWhiteBoard', () => this.#life.group?.boards.delete(mediaId));
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
   * Removes a member from the group, for who may administer.
   * @param {{ userId: string, banSeconds?: number }} options for `banSeconds` he may not come back
   */
  kickUser(options) {
    return this.#attempt('joined', 'kickUser', async () => {
      await this.#signal.request({ kick: parseKick(options) });
    });
  }

  /**
   * Silences a media at the server or lets it be heard again, for who may administer.
   * @param {Media & { muted: boolean }} options
   */
  muteMedia(options) {
    return this.#attempt('joined', 'muteMedia', async () => {
      await this.#signal.request({ mute: parseMute(options) }, REPEATABLE);
    });
  }

  /**
   * Closes the group to newcomers or opens it, for who may administer.
   * @param {boolean} locked
   */
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

  /** @type {Life['attempt']} */
  #attempt(needs, call, work) {
    return this.#life.attempt(needs, call, work);
  }

  /** @type {Life['ask']} */
  #ask(needs, call, work) {
    return this.#life.ask(needs, call, work);
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

/** @param {unknown} mediaType */
function isBoard(mediaType) {
  return mediaType === MediaType.WHITE_BOARD;
}

/** Of a call that is the same when it is carried out twice. */
const REPEATABLE = { isRepeatable: true };

/**
 * A promise that may be ignored without the browser reporting it as unhandled.
 * @internal
 * @template T
 * @param {Promise<T>} promise
 */
export function ignorable(promise) {
  promise.catch(() => {});
  return promise;
}

/**
 * A fault in the application's callback is the application's.
 * @internal
 * @template T
 * @param {string} call whose callback it is
 * @param {(what: T) => void} callback
 * @param {T} what
 */
export function show(call, callback, what) {
  try {
    callback(what);
  } catch (error) {
    console.error(`[HstRtcEngine] the callback of ${call} threw`, error);
  }
}
