import { ErrorCode, HstRtcError, Interrupted } from './errors.js';

/**
 * @typedef {'uninit' | 'initing' | 'inited' | 'logining' | 'logined' | 'joining' | 'joined' | 'leaving' | 'logouting'} State
 * @typedef {{ needs: State, from: State[], during: State, success: State, failure: State }} Transition
 */

/**
 * The whole state machine. A verb that begins while its opposite is still under way follows it on the wire, where the
 * order is kept: joining while leaving, logging in while logging out.
 * @type {Record<'init' | 'login' | 'joinGroup' | 'leaveGroup' | 'exit', Transition>}
 */
const VERBS = {
  init: t('uninit', ['uninit'], 'initing', 'inited', 'uninit'),
  login: t('inited', ['inited', 'logouting'], 'logining', 'logined', 'inited'),
  joinGroup: t('logined', ['logined', 'leaving'], 'joining', 'joined', 'logined'),
  leaveGroup: t('joined', ['joined'], 'leaving', 'logined', 'logined'),
  exit: t('logined', ['logined', 'joining', 'joined', 'leaving'], 'logouting', 'inited', 'inited'),
};

/**
 * @param {State} needs what a refusal names
 * @param {State[]} from
 * @param {State} during
 * @param {State} success
 * @param {State} failure
 * @returns {Transition}
 */
function t(needs, from, during, success, failure) {
  return { needs, from, during, success, failure };
}

/** @type {Record<State, string>} */
const WORDS = {
  uninit: 'not initialised',
  initing: 'initialising',
  inited: 'initialised',
  logining: 'logging in',
  logined: 'logged in',
  joining: 'joining a group',
  joined: 'in a group',
  leaving: 'leaving the group',
  logouting: 'logging out',
};

/** @type {State[]} */
const ONLINE = ['logined', 'joining', 'joined', 'leaving'];

/** Where an engine stands between `init` and `destroy`. */
export class Machine {
  /** @type {State} */
  #state = 'uninit';
  /** @type {Turn | null} The verb under way. */
  #turn = null;

  get state() {
    return this.#state;
  }

  get isOnline() {
    return ONLINE.includes(this.#state);
  }

  /**
   * Throws when the present state does not allow the verb.
   * @param {keyof typeof VERBS} verb
   * @param {string} [call] what was called, if it is something else that needs the same
   */
  check(verb, call = verb) {
    const { from, needs } = VERBS[verb];
    if (!from.includes(this.#state)) throw refusal(this.#state, needs, call);
  }

  /**
   * Throws when a call that changes no state comes too early.
   * @param {'uninit' | 'inited' | 'logined' | 'joined'} needs that state or any beyond it
   * @param {string} call
   */
  require(needs, call) {
    const isEnough = {
      uninit: true,
      inited: this.#state !== 'uninit' && this.#state !== 'initing',
      logined: this.isOnline,
      joined: this.#state === 'joined',
    }[needs];
    if (!isEnough) throw refusal(this.#state, needs, call);
  }

  /**
   * Begins a verb; one that was under way has lost its say over the state.
   * @param {keyof typeof VERBS} verb
   */
  begin(verb) {
    this.check(verb);
    const { during, success, failure } = VERBS[verb];
    /** @type {Turn} */
    const turn = new Turn(
      () => this.#turn === turn,
      (isOk) => this.reset(isOk ? success : failure),
    );
    this.#turn = turn;
    this.#state = during;
    return turn;
  }

  /**
   * Goes to a stable state, whatever was under way.
   * @param {State} state
   */
  reset(state) {
    this.#state = state;
    this.#turn = null;
  }
}

/** One verb under way. */
export class Turn {
  #isCurrent;
  #settle;

  /**
   * @param {() => boolean} isCurrent
   * @param {(isOk: boolean) => void} settle
   */
  constructor(isCurrent, settle) {
    this.#isCurrent = isCurrent;
    this.#settle = settle;
  }

  /** Throws when another call has overtaken this one. */
  check() {
    if (!this.#isCurrent()) throw new Interrupted('a later call');
  }

  /**
   * Ends the verb, unless another call has overtaken it.
   * @param {boolean} isOk
   */
  end(isOk) {
    if (this.#isCurrent()) this.#settle(isOk);
  }
}

/**
 * @param {State} state
 * @param {State} needs
 * @param {string} call
 */
function refusal(state, needs, call) {
  const [code, advice] = reason(state, needs);
  return new HstRtcError(code, `${call} is not possible while ${WORDS[state]}: ${advice}`);
}

/**
 * @param {State} state
 * @param {State} needs
 * @returns {[number, string]}
 */
function reason(state, needs) {
  const wrong = ErrorCode.NOT_INITIALISED;
  if (state === 'uninit') return [wrong, 'call init first'];
  if (state === 'initing') return [wrong, 'wait until init has finished'];
  if (needs === 'uninit') return [wrong, 'the engine is initialised already; destroy it first'];
  if (needs === 'inited') return [wrong, 'it is under way or done already'];
  if (needs === 'logined' && state === 'inited') return [ErrorCode.NOT_LOGGED_IN, 'log in first'];
  if (needs === 'logined' && state === 'joined') return [wrong, 'leave the present group first'];
  if (needs === 'joined' && (state === 'inited' || state === 'logined')) {
    return [ErrorCode.NOT_IN_GROUP, 'join a group first'];
  }
  return [wrong, 'wait until the call under way has finished'];
}
