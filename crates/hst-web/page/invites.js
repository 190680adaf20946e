import { nameOf } from './names.js';
import { words } from './text.js';
import { toast } from './toasts.js';

/** @import { HstRtcEngine } from '../sdk/hst-rtc-engine.js' */

/** What became of an invite, as the engine numbers it. */
const ANSWERS = /** @type {const} */ (['inviteAccepted', 'inviteRejected', 'inviteUnanswered', 'inviteOffline']);

/** At whom one rings. */
export class Invites extends EventTarget {
  #engine;
  /** The number of the invite of each who has not answered. @type {Map<string, number>} */
  #ringing = new Map();
  #last = 0;

  /** @param {HstRtcEngine} engine */
  constructor(engine) {
    super();
    this.#engine = engine;
    engine.on('onInviteReply', ({ seqId, userId, result }) => {
      if (this.#ringing.get(userId) !== seqId) return;
      this.#end(userId);
      toast(words()[ANSWERS[result]](nameOf(userId)));
    });
  }

  /** @param {string} user */
  isRinging(user) {
    return this.#ringing.has(user);
  }

  /**
   * @param {string} userId
   * @param {string} groupId
   */
  async ring(userId, groupId) {
    const seqId = (this.#last += 1);
    this.#ringing.set(userId, seqId);
    this.#tell();
    await this.#engine.invite({ seqId, groupId, calleeInfo: [userId] }).catch(() => this.#end(userId));
  }

  /** @param {string} userId */
  cancel(userId) {
    const seqId = this.#ringing.get(userId);
    if (seqId === undefined) return;
    this.#end(userId);
    this.#engine.cancelInvite({ seqId, calleeInfo: [userId] }).catch(() => {});
  }

  /** Rings nowhere any more. */
  clear() {
    for (const user of [...this.#ringing.keys()]) this.cancel(user);
  }

  /** @param {string} user */
  #end(user) {
    this.#ringing.delete(user);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
