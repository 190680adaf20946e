import { askAccess } from './access.js';
import { Fits } from './boards.js';
import { Bus } from './bus.js';
import { Calls } from './calls.js';
import { Captures } from './capture.js';
import { watchDevices } from './devices.js';
import { Dialer } from './dial.js';
import { Encryption } from './encryption.js';
import { ErrorCode, Interrupted, OutcomeUnknown, fromServer } from './errors.js';
import { Group } from './group.js';
import { checkGroupId, isNothing } from './ids.js';
import { tellUser } from './inbox.js';
import { watchNetwork } from './network.js';
import { prepare } from './prepared.js';
import { Presence } from './presence.js';
import { Renderer } from './render.js';
import { parseLogin } from './requests.js';
import { Signal } from './signal.js';
import { Machine } from './state.js';
import { clock } from './time.js';
import { Voice } from './voice.js';

/** @typedef {import('./errors.js').HstRtcError} HstRtcError */

/** The life of an engine: where it stands between `init` and `destroy`, and what it has there. */
export class Life {
  bus = new Bus();
  renderer = new Renderer();
  voice = new Voice();
  captures = new Captures((media, track) => this.renderer.setTrack(media, track));
  fits = new Fits();
  encryption = new Encryption();
  /** While logged in. @type {Signal | null} */
  signal = null;
  /** While logged in. @type {Presence | null} */
  presence = null;
  /** While logged in. @type {Calls | null} */
  calls = null;
  /** While in a group. @type {Group | null} */
  group = null;
  self = '';
  /** What the others see beside this terminal; a new session has to be told. @type {{ state: string } | null} */
  customState = null;

  #machine = new Machine();
  /** While logged in and in no group. @type {import('./prepared.js').Prepared | null} */
  #prepared = null;
  /** What `init` was given. @type {string | null | undefined} */
  #accessUrl = null;
  /** Which address the access points were asked of. @type {string | null | undefined} */
  #foundAt = null;
  /** @type {import('./access.js').AccessPoints | null} */
  #access = null;
  /** Remembers which addresses work. @type {Dialer | null} */
  #dialer = null;
  /** Settles when the session before has taken leave: a login does not overtake it. @type {Promise<void>} */
  #farewell = Promise.resolve();
  /** Whether the present session has begun with a wish to be in the group again. */
  #isRejoining = false;
  #unwatchNetwork = () => {};
  #unwatchDevices = () => {};

  constructor() {
    this.bus.onAudience = () => this.group?.levels.refresh();
    this.voice.onSend = () => this.group?.publisher.followVoice().catch((error) => this.report(error));
    this.voice.onHear = () => this.group?.receiver.followVoices();
    this.encryption.onTold = (told) => this.group?.handleDecryption(told);
  }

  /** @param {string | null} [accessUrl] without it, `login` may still name one: then no answer is no failure yet */
  init(accessUrl) {
    return this.#perform('init', async (turn) => {
      this.#accessUrl = accessUrl;
      const asked = this.#discover(accessUrl, turn);
      await (isNothing(accessUrl) ? asked.catch(ignoreUnreached) : asked);
      turn.check();
      this.#unwatchDevices = watchDevices((devices) => this.#handleDevices(devices));
    });
  }

  /** @param {any} options */
  async login(options) {
    this.#machine.check('login');
    const login = parseLogin(options);
    return this.#perform('login', async (turn) => {
      await this.#farewell;
      turn.check();
      const accessUrl = isNothing(options.accessUrl) ? this.#accessUrl : options.accessUrl;
      if (!this.#dialer || accessUrl !== this.#foundAt) await this.#discover(accessUrl, turn);
      const signal = new Signal(login, /** @type {Dialer} */ (this.#dialer), clock);
      this.#attach(signal, login.user);
      try {
        await signal.login();
        turn.check();
      } catch (error) {
        if (this.signal === signal) this.#detach();
        throw error;
      }
    });
  }

  /** @param {string} groupId */
  async prepareGroup(groupId) {
    this.#machine.check('joinGroup', 'prepareGroup');
    const id = checkGroupId(groupId);
    // Another call for the same group brings back what was lost.
    if (this.#prepared?.group === id) this.#prepared.peer.prepare();
    else this.#prepare(id);
  }

  /** @param {string} groupId */
  async joinGroup(groupId) {
    this.#machine.check('joinGroup');
    const id = checkGroupId(groupId);
    return this.#perform('joinGroup', async (turn) => {
      const signal = /** @type {Signal} */ (this.signal);
      const entering = this.encryption.enter(id, this.self, {
        send: (only, body) => signal.request({ message: { body, to: { only } } }),
        tell: (safetyNumber) => this.group?.handleSafety(safetyNumber),
        report: (error) => this.report(error),
      });
      const seals = entering && (await entering);
      turn.check();
      const group = new Group(id, {
        self: this.self,
        signal,
        iceServers: this.#iceServers,
        bus: this.bus,
        renderer: this.renderer,
        captures: this.captures,
        voice: this.voice,
        fits: this.fits,
        seals,
        clock,
        report: (error) => this.report(error),
      });
      try {
        const snapshot = await join(signal, group, this.#takePrepared(id));
        turn.check();
        this.group = group;
        group.onRemoved = (why) => this.#handleRemoved(why);
        group.tell(snapshot);
      } catch (error) {
        group.close();
        // Who was overtaken has nothing to say about what goes on now.
        if (!(error instanceof Interrupted)) this.encryption.leave();
        throw error;
      }
    });
  }

  leaveGroup() {
    return this.#perform('leaveGroup', async () => {
      this.#closeGroup();
      await leave(/** @type {Signal} */ (this.signal));
    });
  }

  exit() {
    return this.#perform('exit', async () => {
      this.#closeSession('exit');
      await this.#farewell;
    });
  }

  destroy() {
    this.#closeSession('destroy');
    this.#access = null;
    this.#dialer = null;
    this.encryption.close();
    this.#unwatchDevices();
    this.bus.forget();
    this.#machine.reset('uninit');
  }

  /**
   * Runs a call that the state has to allow.
   * @template T
   * @param {'uninit' | 'inited' | 'logined' | 'joined'} needs
   * @param {string} call
   * @param {() => Promise<T> | T} work
   * @returns {Promise<T>}
   */
  async ask(needs, call, work) {
    this.#machine.require(needs, call);
    return work();
  }

  /**
   * Runs a call whose promise applications may ignore.
   * @param {'uninit' | 'inited' | 'logined' | 'joined'} needs
   * @param {string} call
   * @param {() => Promise<void> | void} work
   */
  attempt(needs, call, work) {
    const outcome = this.ask(needs, call, work);
    outcome.catch((error) => this.report(error));
    return outcome;
  }

  /** Those that everybody may use. */
  get #iceServers() {
    return this.#access?.iceServers ?? [];
  }

  /** @param {string} group */
  #prepare(group) {
    this.#prepared?.peer.close();
    this.#prepared = prepare(group, /** @type {Signal} */ (this.signal), this.#iceServers);
  }

  /**
   * What was prepared for this group, if the join leaves at once: later it may belong to a session of before.
   * @param {string} id
   */
  #takePrepared(id) {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared?.group === id && this.signal?.isReady) return prepared.peer;
    prepared?.peer.close();
    return null;
  }

  /**
   * @param {string | null | undefined} accessUrl
   * @param {import('./state.js').Turn} turn
   */
  async #discover(accessUrl, turn) {
    const access = await askAccess(accessUrl);
    turn.check();
    this.#access = access;
    this.#foundAt = accessUrl;
    this.#dialer = new Dialer(access.signal, clock);
  }

  /** @param {HstRtcError} error a failure of a call whose promise may be ignored, or a trouble of the engine's own */
  report(error) {
    if (error instanceof Interrupted) return;
    console.warn(`[HstRtcEngine] ${error.message}`);
    const { code, message, serverCode } = error;
    this.bus.emit('onError', [{ code, message, ...(serverCode === undefined ? {} : { serverCode }) }]);
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
   * @param {Signal} signal
   * @param {string} user
   */
  #attach(signal, user) {
    this.signal = signal;
    this.self = user;
    this.presence = new Presence(
      user,
      (command) => signal.request(command),
      (change) => this.bus.emit('onOnlineUserState', [change]),
    );
    this.calls = new Calls(
      (command) => signal.request(command),
      (name, payload) => this.bus.emit(name, [payload]),
      clock,
    );
    signal.onEvent = (name, fields) => this.#handleEvent(name, fields);
    signal.onAway = () => this.bus.emit('onReconnecting', []);
    signal.onRestore = () => this.#restore(signal);
    signal.onBack = (how) => this.#handleBack(how);
    signal.onLost = (why) => this.#handleLost(why);
    this.#unwatchNetwork = watchNetwork(() => {
      signal.networkChanged();
      this.group?.networkChanged();
    });
  }

  #detach() {
    this.signal = null;
    this.presence = null;
    this.calls?.close();
    this.calls = null;
    this.customState = null;
    this.#unwatchNetwork();
  }

  /**
   * @param {string} name
   * @param {any} fields
   */
  #handleEvent(name, fields) {
    if (this.calls?.handle(name, fields)) return;
    const told = tellUser(name, fields);
    if (told) this.bus.emit(told[0], [told[1]]);
    else if (name === 'presence') this.presence?.handle(fields.changes);
    else if (name === 'removed') this.#handleRemoved(fromServer(fields));
    else this.group?.handleEvent(name, fields);
  }

  /**
   * The session is a new one: brings it to where the old one was.
   * @param {Signal} signal
   */
  #restore(signal) {
    if (this.customState) {
      signal.request({ set_state: this.customState }, { isRepeatable: true }).catch((error) => this.report(error));
    }
    this.calls?.handleNewSession();
    this.#isRejoining = this.group !== null;
    // Nobody is told of a gap in a login that has ended.
    this.group?.restore(() => this.signal === signal && this.#tellGap('login'));
  }

  /** @param {import('./types.js').Devices} devices */
  #handleDevices(devices) {
    this.renderer.handleSpeakers(devices.spkDevs.map(({ devId }) => devId));
    // Who subscribes later needs to know the latest only.
    this.bus.forget(['onDeviceChange']);
    this.bus.emit('onDeviceChange', [devices]);
  }

  /** @param {import('./signal.js').Return} how */
  #handleBack(how) {
    this.bus.emit('onReconnected', []);
    if (how !== 'login') this.group?.networkChanged();
    this.group?.views.refresh();
    // It may lead to a node, a session or a network of before.
    if (this.#prepared) this.#prepare(this.#prepared.group);
    if (how === 'missed') {
      this.#tellGap(how);
      this.group?.verify();
    }
    // Otherwise it is told when the group has answered: the engine is where it was then.
    if (how === 'login' && !this.#isRejoining) this.#tellGap(how);
  }

  /** @param {'missed' | 'login'} reason */
  #tellGap(reason) {
    this.bus.emit('onDiscontinuity', [{ reason }]);
    this.presence?.refresh();
  }

  /** @param {HstRtcError} why */
  #handleRemoved({ code, message }) {
    if (!this.group) return;
    this.#closeGroup();
    this.#machine.reset('logined');
    this.bus.emit('onGroupRemoved', [{ code, message }]);
  }

  /** @param {HstRtcError} why */
  #handleLost(why) {
    const wasOnline = this.#machine.isOnline;
    this.#detach();
    this.#closeGroup();
    if (!wasOnline) return;
    this.#machine.reset('inited');
    if (why.serverCode === ErrorCode.LOGIN_CONFLICT) this.bus.emit('onUserForceLogout', []);
    if (why.serverCode === ErrorCode.KICKED_OUT) this.bus.emit('onKickOut', []);
    this.bus.emit('onWebSocketClosed', [{ code: why.code, message: why.message }]);
    this.report(why);
  }

  #closeGroup() {
    this.group?.close();
    this.group = null;
    this.#prepared?.peer.close();
    this.#prepared = null;
    this.encryption.leave();
    this.captures.closeAll();
    this.renderer.clear();
  }

  /** @param {string} by */
  #closeSession(by) {
    this.#closeGroup();
    if (this.signal) this.#farewell = this.signal.farewell(by);
    this.#detach();
  }
}

/** @param {unknown} error */
function ignoreUnreached(error) {
  if (error instanceof Interrupted) throw error;
}

/**
 * @param {Signal} signal
 * @param {Group} group
 * @param {import('./peer.js').Peer | null} prepared
 */
async function join(signal, group, prepared) {
  try {
    return await group.join(prepared);
  } catch (error) {
    const isLost = error instanceof OutcomeUnknown;
    if (!isLost && /** @type {HstRtcError} */ (error).serverCode !== ErrorCode.JOINED_TWICE) throw error;
  }
  // An answer was lost on the way, and the server may take us for a member of this group or of another one.
  await leave(signal);
  return group.join();
}

/** @param {Signal} signal */
async function leave(signal) {
  try {
    await signal.request({ leave: {} }, { isRepeatable: true });
  } catch (error) {
    if (/** @type {HstRtcError} */ (error).serverCode !== ErrorCode.NOT_IN_GROUP) throw error;
  }
}
