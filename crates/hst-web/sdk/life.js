import { askAccess } from './access.js';
import { Fits } from './boards.js';
import { Bus } from './bus.js';
import { Captures } from './capture.js';
import { Dialer } from './dial.js';
import { ErrorCode, Interrupted, OutcomeUnknown, fromServer } from './errors.js';
import { Group } from './group.js';
import { checkGroupId } from './ids.js';
import { tellUser } from './inbox.js';
import { watchNetwork } from './network.js';
import { Presence } from './presence.js';
import { Renderer } from './render.js';
import { parseLogin } from './requests.js';
import { Signal } from './signal.js';
import { Machine } from './state.js';
import { Clock } from './time.js';

/** @typedef {import('./errors.js').HstRtcError} HstRtcError */

/** One for all engines of a page. */
const clock = new Clock();

/** The life of an engine: where it stands between `init` and `destroy`, and what it has there. */
export class Life {
  bus = new Bus();
  renderer = new Renderer();
  captures = new Captures((media, track) => this.renderer.setTrack(media, track));
  fits = new Fits();
  /** While logged in. @type {Signal | null} */
  signal = null;
  /** While logged in. @type {Presence | null} */
  presence = null;
  /** While in a group. @type {Group | null} */
  group = null;
  self = '';
  /** What the others see beside this terminal; a new session has to be told. @type {{ state: string } | null} */
  customState = null;

  #machine = new Machine();
  /** @type {import('./access.js').AccessPoints | null} */
  #access = null;
  /** Remembers which addresses work. @type {Dialer | null} */
  #dialer = null;
  /** Settles when the session before has taken leave: a login does not overtake it. @type {Promise<void>} */
  #farewell = Promise.resolve();
  #unwatchNetwork = () => {};

  /** @param {string | null} [accessUrl] */
  init(accessUrl) {
    return this.#perform('init', async (turn) => {
      const access = await askAccess(accessUrl);
      turn.check();
      this.#access = access;
      this.#dialer = new Dialer(access.signal, clock);
    });
  }

  /** @param {any} options */
  async login(options) {
    this.#machine.check('login');
    const login = parseLogin(options);
    return this.#perform('login', async (turn) => {
      await this.#farewell;
      turn.check();
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
  async joinGroup(groupId) {
    this.#machine.check('joinGroup');
    const id = checkGroupId(groupId);
    return this.#perform('joinGroup', async (turn) => {
      const signal = /** @type {Signal} */ (this.signal);
      const snapshot = await join(signal, id);
      turn.check();
      this.group = new Group(id, {
        self: this.self,
        signal,
        iceServers: this.#access?.iceServers ?? [],
        bus: this.bus,
        renderer: this.renderer,
        captures: this.captures,
        fits: this.fits,
        report: (error) => this.report(error),
      });
      this.group.onRemoved = (why) => this.#handleRemoved(why);
      this.group.tell(snapshot);
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
    this.bus.forget();
    this.#machine.reset('uninit');
  }

  /**
   * Throws when a call comes too early.
   * @param {'inited' | 'logined' | 'joined'} needs
   * @param {string} call
   */
  require(needs, call) {
    this.#machine.require(needs, call);
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
    this.customState = null;
    this.#unwatchNetwork();
  }

  /**
   * @param {string} name
   * @param {any} fields
   */
  #handleEvent(name, fields) {
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
    this.group?.restore();
  }

  /** @param {import('./signal.js').Return} how */
  #handleBack(how) {
    this.bus.emit('onReconnected', []);
    if (how !== 'login') this.group?.networkChanged();
    if (how === 'resumed') return;
    this.bus.emit('onDiscontinuity', [{ reason: how }]);
    this.presence?.refresh();
    if (how === 'missed') this.group?.verify();
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

/**
 * @param {Signal} signal
 * @param {string} group
 * @returns {Promise<import('./roster.js').Snapshot>}
 */
async function join(signal, group) {
  const ask = () => signal.request({ join: { group } });
  try {
    return await ask();
  } catch (error) {
    const isLost = error instanceof OutcomeUnknown;
    if (!isLost && /** @type {HstRtcError} */ (error).serverCode !== ErrorCode.JOINED_TWICE) throw error;
  }
  // An answer was lost on the way, and the server may take us for a member of this group or of another one.
  await leave(signal);
  return ask();
}

/** @param {Signal} signal */
async function leave(signal) {
  try {
    await signal.request({ leave: {} }, { isRepeatable: true });
  } catch (error) {
    if (/** @type {HstRtcError} */ (error).serverCode !== ErrorCode.NOT_IN_GROUP) throw error;
  }
}
