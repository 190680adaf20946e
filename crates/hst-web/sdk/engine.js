import { listDevices } from './devices.js';
import { ignorable } from './guard.js';
import { DisplayMode, MediaRef, MediaType, OnlineType, isNothing } from './ids.js';
import { parsePicture } from './picture.js';
import { checkToken } from './requests.js';
import { Talk } from './talk.js';

/**
 * @import { Group } from './group.js'
 * @import { Life } from './life.js'
 * @import { Devices, Events, LoginOptions, MediaTypeValue, PictureOptions, PictureStats, SoundStats } from './types.js'
 */

/**
 * The engine of one user. The order of calls: `init`, `login`, `joinGroup`, media and messages, `leaveGroup`, `exit`,
 * `destroy`. Applications get it with the calls of `extras.js` and `classic.js`.
 *
 * No method throws: all but `destroy` and those of events return a promise, which fails with an `HstRtcError`. Where
 * applications are used to calls without a result, the promise may be ignored and the failure comes as `onError` too.
 */
export class Engine extends Talk {
  #life;

  /** @internal @param {Life} life */
  constructor(life) {
    super(life);
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

  /**
   * Connects for the media of the group that is joined next, so that they flow a round trip sooner then. Nothing is carried
   * before, and nobody is told; joining another group takes it back. The promise does not wait for the connection: where
   * none comes about, joining is as it is without.
   * @param {string} groupId
   */
  prepareGroup(groupId) {
    return ignorable(this.#life.prepareGroup(groupId));
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
    const { signal } = this.#life;
    return this.#attempt('logined', 'renewToken', () => signal?.renew(checkToken(token)));
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
      this.#group.polls.start(this.#refOf(media ?? {}), callback, interval, userData);
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

  /** What there is while in a group, as the state machine has checked. */
  get #group() {
    return /** @type {Group} */ (this.#life.group);
  }
}

/** @param {unknown} mediaType */
function isBoard(mediaType) {
  // Applications that keep a type in the page have it as a text.
  return !isNothing(mediaType) && Number(mediaType) === MediaType.WHITE_BOARD;
}
