import { askAccess } from './access.js';
import { Bus } from './bus.js';
import { Captures } from './capture.js';
import { listDevices } from './devices.js';
import { ErrorCode, Interrupted } from './errors.js';
import { Group } from './group.js';
import { DisplayMode, MediaRef, MediaType, OnlineType, checkGroupId } from './ids.js';
import { parsePicture } from './picture.js';
import { Renderer } from './render.js';
import { parseLogin, parseMessage } from './requests.js';
import { Signal } from './signal.js';
import { Machine } from './state.js';

/**
 * The engine: `init`, `login`, `joinGroup`, media and messages, `leaveGroup`, `exit`, `destroy`.
 *
 * No method throws: all but `destroy` and those of events return a promise, which fails with an `HstRtcError`. Where
 * applications are used to calls without a result, the promise may be ignored and the failure comes as `onError` too.
 */
export class HstRtcEngine {
  #machine = new Machine();
  #bus = new Bus();
  #renderer = new Renderer();
  #captures = new Captures((media, track) => this.#renderer.setTrack(media, track));
  /** @type {import('./access.js').AccessPoints | null} */
  #access = null;
  /** @type {Signal | null} */
  #signal = null;
  /** @type {Group | null} */
  #group = null;
  #self = '';
  /** Settles when the session before has taken leave: a login does not overtake it. @type {Promise<void>} */
  #farewell = Promise.resolve();

  /** @param {string | null} [accessUrl] without it, the origin that served this script */
  init(accessUrl) {
    return this.#perform('init', async (turn) => {
      const access = await askAccess(accessUrl);
      turn.check();
      this.#access = access;
    });
  }

  /** @param {any} options */
  async login(options) {
    this.#machine.check('login');
    const login = parseLogin(options);
    return this.#perform('login', async (turn) => {
      await this.#farewell;
      turn.check();
      const access = /** @type {import('./access.js').AccessPoints} */ (this.#access);
      const signal = await Signal.connect(access.signal);
      try {
        turn.check();
        this.#attach(signal, login.user);
        await signal.request({ login }, { isVital: true });
        turn.check();
      } catch (error) {
        if (this.#signal === signal) this.#signal = null;
        signal.close();
        throw error;
      }
    });
  }

  /** @param {string} groupId */
  async joinGroup(groupId) {
    this.#machine.check('joinGroup');
    const id = checkGroupId(groupId);
    return this.#perform('joinGroup', async (turn) => {
      const { signal, iceServers } = this.#online();
      const snapshot = await signal.request({ join: { group: id } }, { isVital: true });
      turn.check();
      this.#group = new Group(id, {
        self: this.#self,
        signal,
        iceServers,
        bus: this.#bus,
        renderer: this.#renderer,
        captures: this.#captures,
        report: (error) => this.#report(error),
      });
      this.#group.tell(snapshot);
    });
  }

  /** Everything published and received ends with this call; the promise waits for the server's word. */
  leaveGroup() {
    return ignorable(
      this.#perform('leaveGroup', async () => {
        this.#closeGroup();
        await this.#online().signal.request({ leave: {} }, { isVital: true });
      }),
    );
  }

  /** Everything ends with this call; the promise waits up to 3 s for the server's word, and does not fail without it. */
  exit() {
    return ignorable(
      this.#perform('exit', async () => {
        this.#closeSession('exit');
        await this.#farewell;
      }),
    );
  }

  /** The same as `exit`. */
  logout() {
    return this.exit();
  }

  /** Leaves, exits and forgets the addresses; subscriptions stay, and `init` begins anew. */
  destroy() {
    this.#closeSession('destroy');
    this.#access = null;
    this.#bus.forget();
    this.#machine.reset('uninit');
  }

  /**
   * @param {string} name
   * @param {import('./bus.js').Callback} callback
   * @param {unknown} [context] what the callback sees as `this`
   */
  subEvent(name, callback, context) {
    this.#bus.subscribe(name, callback, context);
  }

  /**
   * The same as `subEvent`.
   * @param {string} name
   * @param {import('./bus.js').Callback} callback
   * @param {unknown} [context]
   */
  on(name, callback, context) {
    this.#bus.subscribe(name, callback, context);
  }

  /**
   * Without a callback all of that name end, without a name all.
   * @param {string | null} [name]
   * @param {import('./bus.js').Callback | null} [callback]
   * @param {unknown} [context]
   */
  unsubEvent(name, callback, context) {
    this.#bus.unsubscribe(name, callback, context);
  }

  /**
   * @param {number} mediaType
   * @param {string | null} [mediaId] the device; a microphone and a screen are published under a fixed id
   * @param {object | null} [options] width, height, frameRate, bitRate
   */
  startPublishMedia(mediaType, mediaId, options) {
    return this.#attempt('joined', 'startPublishMedia', () =>
      this.#joined().publisher.start(mediaType, mediaId, options),
    );
  }

  /**
   * @param {number} mediaType
   * @param {string | null} [mediaId] without it, all of that type
   */
  stopPublishMedia(mediaType, mediaId) {
    return this.#attempt('inited', 'stopPublishMedia', () => this.#group?.publisher.stop(mediaType, mediaId));
  }

  /**
   * @param {string} userId
   * @param {number} mediaType
   * @param {string} mediaId
   */
  startReceiveMedia(userId, mediaType, mediaId) {
    const run = async () => {
      this.#machine.require('joined', 'startReceiveMedia');
      await this.#joined().receiver.start(userId, mediaType, mediaId);
    };
    return ignorable(run());
  }

  /**
   * @param {string} userId
   * @param {number} mediaType
   * @param {string} mediaId
   */
  async stopReceiveMedia(userId, mediaType, mediaId) {
    this.#machine.require('inited', 'stopReceiveMedia');
    this.#group?.receiver.stop(userId, mediaType, mediaId);
  }

  /**
   * Shows a media in an element, now or when it comes; one's own as a preview.
   * @param {string} userId
   * @param {number} mediaType
   * @param {string | null} mediaId
   * @param {HTMLMediaElement} element
   * @param {object | null} [options] width, height and frameRate of a preview
   */
  setMediaRender(userId, mediaType, mediaId, element, options) {
    return this.#attempt('logined', 'setMediaRender', () => {
      const isOwn = userId === this.#self;
      const media = isOwn ? MediaRef.own(userId, mediaType, mediaId) : MediaRef.remote(userId, mediaType, mediaId);
      if (isOwn && media.type === MediaType.VIDEO && !this.#captures.has(media)) {
        const { track } = this.#captures.hold(media, mediaId, parsePicture(media.type, options), element);
        track.catch((error) => this.#report(error));
      }
      this.#renderer.bind(media, element);
    });
  }

  /**
   * Empties an element, whatever it shows.
   * @param {string | null} _userId
   * @param {number} _mediaType
   * @param {HTMLMediaElement} element
   */
  unsetMediaRender(_userId, _mediaType, element) {
    return this.#attempt('inited', 'unsetMediaRender', () => {
      this.#renderer.unbind(element);
      this.#captures.release(element);
    });
  }

  async getMediaDevices() {
    this.#machine.require('inited', 'getMediaDevices');
    return listDevices();
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
      const { userId, mediaType, mediaId } = media;
      const of = userId === this.#self ? MediaRef.own : MediaRef.remote;
      this.#joined().polls.start(of(userId, mediaType, mediaId), callback, interval, userData);
    });
  }

  /** @param {{ groupId?: string, msg: unknown }} message */
  sendGroupMsg(message) {
    return this.#attempt('joined', 'sendGroupMsg', async () => {
      const body = parseMessage(message, this.#joined().id);
      await this.#online().signal.request({ message: { body } });
    });
  }

  /**
   * Runs a verb of the state machine; only one that was not overtaken has a say over the state.
   * @param {'init' | 'login' | 'joinGroup' | 'leaveGroup' | 'exit'} verb
   * @param {(turn: import('./state.js').Turn) => Promise<void>} work
   */
  async #perform(verb, work) {
    const turn = this.#machine.begin(verb);
    try {
      await work(turn);
    } catch (error) {
      turn.end(false);
      throw error;
    }
    turn.end(true);
  }

  /**
   * Runs a call whose promise applications may ignore.
   * @param {'inited' | 'logined' | 'joined'} needs
   * @param {string} call
   * @param {() => Promise<void> | void} work
   */
  #attempt(needs, call, work) {
    const run = async () => {
      this.#machine.require(needs, call);
      await work();
    };
    const outcome = run();
    outcome.catch((error) => this.#report(error));
    return outcome;
  }

  /** @param {import('./errors.js').HstRtcError} error */
  #report(error) {
    if (error instanceof Interrupted) return;
    console.warn(`[HstRtcEngine] ${error.message}`);
    const { code, message, serverCode } = error;
    this.#bus.emit('onError', [{ code, message, ...(serverCode === undefined ? {} : { serverCode }) }]);
  }

  /**
   * @param {Signal} signal
   * @param {string} user
   */
  #attach(signal, user) {
    this.#signal = signal;
    this.#self = user;
    signal.onEvent = (name, fields) => this.#group?.handleEvent(name, fields);
    signal.onLost = (why) => this.#handleLost(signal, why);
  }

  /**
   * @param {Signal} signal
   * @param {import('./errors.js').HstRtcError} why
   */
  #handleLost(signal, why) {
    if (this.#signal !== signal) return;
    const wasOnline = this.#machine.isOnline;
    this.#signal = null;
    this.#closeGroup();
    this.#captures.closeAll();
    if (!wasOnline) return;
    this.#machine.reset('inited');
    if (why.serverCode !== undefined && why.code === ErrorCode.ALREADY_LOGGED_IN)
      this.#bus.emit('onUserForceLogout', []);
    this.#bus.emit('onWebSocketClosed', [{ code: why.code, message: why.message }]);
    this.#report(why);
  }

  #closeGroup() {
    this.#group?.close();
    this.#group = null;
    this.#captures.closeAll();
    this.#renderer.clear();
  }

  /** @param {string} by */
  #closeSession(by) {
    this.#closeGroup();
    if (this.#signal) this.#farewell = this.#signal.farewell(by);
    this.#signal = null;
  }

  /** What there is while logged in, as the state machine has checked. */
  #online() {
    return {
      signal: /** @type {Signal} */ (this.#signal),
      iceServers: this.#access?.iceServers ?? [],
    };
  }

  /** What there is while in a group, as the state machine has checked. */
  #joined() {
    return /** @type {Group} */ (this.#group);
  }
}

/** The platform reads its enums from an engine. */
Object.assign(HstRtcEngine.prototype, { MediaType, OnlineType, DisplayMode });

/**
 * A promise that may be ignored without the browser reporting it as unhandled.
 * @template T
 * @param {Promise<T>} promise
 */
function ignorable(promise) {
  promise.catch(() => {});
  return promise;
}
