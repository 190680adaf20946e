import { ErrorCode, HstRtcError } from './errors.js';
import { checkGroupId, checkUserId, isNothing } from './ids.js';

/** The one kind of callee there is: a user who is online. */
const ONLINE = 4;

/** What became of a call, as its caller is told; the numbers are the platform's. */
const CallResult = Object.freeze({
  ACCEPTED: 0,
  REJECTED: 1,
  TIMED_OUT: 2,
  CANCELLED: 3,
  ENDED_BY_CALLER: 4,
  ENDED_BY_CALLEE: 5,
  FAILED: 99,
});

/** What an answer to the invite means for the call. @type {Record<string, number>} */
const RESULTS = {
  accepted: CallResult.ACCEPTED,
  rejected: CallResult.REJECTED,
  timed_out: CallResult.TIMED_OUT,
  offline: CallResult.FAILED,
};

/** Under this name a call stands in the text of its invite, and what is said of it in a message to the user. */
const MARK = 'hst_call';
/** How often a call that goes on is looked after, in ms. */
const BEAT = 15_000;
/** After so many beats without a sign of the other one he is asked for one. */
const ASK_AFTER = 2;
/** After so many it is over. Who was away for less than his session waits for him has answered by then. */
const MAX_SILENCE = 6;
/** Calls number their invites from here on, far from the numbers of applications. */
const FIRST_INVITE = 2 ** 40;

/**
 * @typedef {object} Call
 * @property {string} id
 * @property {string} peer the other user
 * @property {boolean} isOwn whether this end is the caller
 * @property {boolean} isRinging until it is accepted
 * @property {number} invite its number at this end
 * @property {number} silence beats since the last sign of the other one
 */

/**
 * Calls between two users who are online. A call rings as an invite with a mark in its text, and an accepted one ends
 * by a message to the other user with the same mark, or when he does not answer one: so the server knows nothing of
 * calls.
 */
export class Calls {
  static #lastInvite = FIRST_INVITE;
  /** @type {Map<string, Call>} */
  #calls = new Map();
  #request;
  #emit;
  #clock;

  /**
   * @param {(command: Record<string, object>) => Promise<any>} request
   * @param {(name: string, payload: object) => void} emit
   * @param {Pick<import('./time.js').Clock, 'after'>} clock
   */
  constructor(request, emit, clock) {
    this.#request = request;
    this.#emit = emit;
    this.#clock = clock;
  }

  /**
   * @param {any} options
   * @returns {Promise<{ callId: string }>} settles when it rings
   */
  async make(options) {
    const { seqId = 0, groupId, calleeType, calleeId, extendInfo = '' } = options ?? {};
    if (Number(calleeType) !== ONLINE) {
      const message = `calls of type ${calleeType} are not available: ${ONLINE} calls a user who is online`;
      throw new HstRtcError(ErrorCode.OPERATION_FAILED, message);
    }
    const [peer, group] = [checkUserId(calleeId), checkGroupId(groupId)];
    const call = { id: newId(), peer, isOwn: true, isRinging: true, invite: ++Calls.#lastInvite, silence: 0 };
    // The answer may come before the reply is looked at.
    this.#calls.set(call.id, call);
    const extend_info = { [MARK]: { id: call.id, seq: seqId, info: extendInfo } };
    try {
      const { offline } = await this.#request({ invite: { invite: call.invite, group, users: [peer], extend_info } });
      if (offline.includes(peer)) throw new HstRtcError(ErrorCode.USER_OFFLINE, `${peer} is not online: call later`);
    } catch (error) {
      this.#calls.delete(call.id);
      throw error;
    }
    return { callId: call.id };
  }

  /** @param {any} options without a `callId` the call that came last is meant, as applications do when they reject */
  async reply(options) {
    const { callId, result } = options ?? {};
    const incoming = [...this.#calls.values()].filter((call) => !call.isOwn && call.isRinging);
    const call = isNothing(callId) ? incoming.at(-1) : incoming.find(({ id }) => id === callId);
    if (!call) throw new HstRtcError(ErrorCode.NO_SUCH_INVITE, 'there is no such call, or it is over');
    await this.#answer(call, Number(result) === CallResult.ACCEPTED);
  }

  /**
   * Ends a call that rings or goes on, from either end. What is over is no fault.
   * @param {unknown} callId
   */
  async end(callId) {
    const call = this.#calls.get(String(callId));
    if (!call) return;
    if (call.isRinging && !call.isOwn) return this.#answer(call, false);
    this.#calls.delete(call.id);
    if (call.isOwn) this.#tellResult(call, call.isRinging ? CallResult.CANCELLED : CallResult.ENDED_BY_CALLER);
    this.#release(call);
    try {
      await (call.isRinging ? this.#request({ cancel_invite: { invite: call.invite } }) : this.#say(call, 'end'));
    } catch (error) {
      // The other one has answered meanwhile, or is gone: at this end it is over all the same.
      const { serverCode } = /** @type {HstRtcError} */ (error);
      if (serverCode !== ErrorCode.NO_SUCH_INVITE && serverCode !== ErrorCode.USER_OFFLINE) throw error;
    }
  }

  /**
   * Whether an event of the server is about a call, which is told then.
   * @param {string} name
   * @param {any} fields
   */
  handle(name, fields) {
    switch (name) {
      case 'invited':
        return this.#handleInvited(fields);
      case 'invite_answered':
        return this.#handleAnswered(fields);
      case 'invite_ended':
        return this.#handleStopped(fields);
      case 'user_message':
        return this.#handleSaid(fields);
      default:
        return false;
    }
  }

  /** The login is over, and nothing is told any more. */
  close() {
    this.#calls.clear();
  }

  /** The session is a new one: the server has forgotten who rings. */
  handleNewSession() {
    for (const call of [...this.#calls.values()].filter(({ isRinging }) => isRinging)) {
      this.#calls.delete(call.id);
      if (call.isOwn) this.#tellResult(call, CallResult.FAILED);
      else this.#emit('onCancelCall', { callId: call.id });
      this.#release(call);
    }
  }

  /** @param {any} fields */
  #handleInvited({ invite, group, from, extend_info }) {
    const mark = extend_info?.[MARK];
    if (!mark) return false;
    const { id: callId, seq: seqId, info: extendInfo = '' } = mark;
    // Applications make names of elements of it.
    if (typeof callId !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(callId) || this.#calls.has(callId)) return true;
    this.#calls.set(callId, { id: callId, peer: from, isOwn: false, isRinging: true, invite, silence: 0 });
    this.#emit('onIncommingCall', { seqId, callId, groupId: group, callerId: from, extendInfo });
    return true;
  }

  /** @param {any} fields */
  #handleAnswered({ invite, outcome }) {
    const call = this.#ringing(invite, true);
    if (call) {
      call.isRinging = false;
      const result = RESULTS[outcome] ?? CallResult.FAILED;
      if (result !== CallResult.ACCEPTED) this.#calls.delete(call.id);
      this.#tellResult(call, result);
      if (result === CallResult.ACCEPTED) this.#watch(call);
      else this.#release(call);
    }
    return invite > FIRST_INVITE;
  }

  /** @param {any} fields */
  #handleStopped({ invite }) {
    const call = this.#ringing(invite, false);
    if (!call) return false;
    this.#calls.delete(call.id);
    this.#emit('onCancelCall', { callId: call.id });
    this.#release(call);
    return true;
  }

  /** @param {any} fields */
  #handleSaid({ from, body }) {
    const { end, check, holds } = body?.[MARK] ?? {};
    const id = end ?? check ?? holds;
    if (id === undefined) return false;
    const call = this.#calls.get(id);
    if (!call || call.peer !== from) return true;
    call.silence = 0;
    if (end !== undefined) this.#finish(call);
    else if (check !== undefined) this.#say(call, 'holds').catch(() => {});
    return true;
  }

  /**
   * Looks after a call as long as it goes on: the other one may vanish without a word.
   * @param {Call} call
   */
  #watch(call) {
    this.#clock.after(BEAT, () => {
      if (this.#calls.get(call.id) !== call) return;
      call.silence += 1;
      if (call.silence >= MAX_SILENCE) {
        this.#finish(call);
        return;
      }
      if (call.silence >= ASK_AFTER) this.#check(call);
      this.#watch(call);
    });
  }

  /** @param {Call} call */
  async #check(call) {
    try {
      await this.#say(call, 'check');
    } catch (error) {
      if (/** @type {HstRtcError} */ (error).serverCode === ErrorCode.USER_OFFLINE) this.#finish(call);
    }
  }

  /**
   * The other one has ended it, or is gone.
   * @param {Call} call
   */
  #finish(call) {
    if (!this.#calls.delete(call.id)) return;
    if (call.isOwn) this.#tellResult(call, CallResult.ENDED_BY_CALLEE);
    this.#emit(call.isOwn ? 'onCallFinished' : 'onFinishCall', { callId: call.id });
    this.#release(call);
  }

  /**
   * @param {Call} call one that came in
   * @param {boolean} accept
   */
  async #answer(call, accept) {
    call.isRinging = false;
    if (!accept) {
      this.#calls.delete(call.id);
      this.#release(call);
    }
    await this.#request({ answer_invite: { invite: call.invite, accept } });
    if (accept) this.#watch(call);
  }

  /**
   * Says something of a call to the other one.
   * @param {Call} call
   * @param {'end' | 'check' | 'holds'} what
   */
  #say({ id, peer }, what) {
    return this.#request({ user_message: { user: peer, body: { [MARK]: { [what]: id } } } });
  }

  /**
   * @param {number} invite
   * @param {boolean} isOwn
   */
  #ringing(invite, isOwn) {
    return [...this.#calls.values()].find((call) => call.invite === invite && call.isOwn === isOwn && call.isRinging);
  }

  /**
   * @param {Call} call
   * @param {number} result
   */
  #tellResult({ id }, result) {
    this.#emit('onCallResult', { callId: id, result });
  }

  /** @param {Call} call one that is over */
  #release({ id }) {
    this.#emit('onCallRelease', { callId: id });
  }
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `call-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
