import { show } from './guard.js';
import { parseInvite, parseInviteCancel, parseInviteReply, toInviteReply } from './invites.js';
import { parseGroupMessage, parsePage, parseUserMessage, toGroupMessage } from './messages.js';
import { parseKick, parseLock, parseMute, parseState } from './requests.js';

/**
 * @import { Group } from './group.js'
 * @import { Life } from './life.js'
 * @import { Presence } from './presence.js'
 * @import { Signal } from './signal.js'
 * @import { Callees, GroupMessage, Media, OnlinePage } from './types.js'
 */

/** The part of the engine that needs no media: messages, who is there, invites, and who administers. */
export class Talk {
  #life;

  /** @internal @param {Life} life */
  constructor(life) {
    this.#life = life;
  }

  /**
   * Writes to a user of the App who is online, in whatever group.
   * @param {{ dstUserId: string, msg: unknown }} message `msg` is any JSON value of at most 8 KiB, where the App does
   *   not say otherwise
   */
  sendUserMsg(message) {
    return this.#life.attempt('logined', 'sendUserMsg', async () => {
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
    return this.#life.ask('joined', 'getGroupHistory', async () => {
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
    return this.#life.ask('joined', 'getGroupUsers', async () => {
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
   * The same, with all pages for the callback; the promise settles behind the last one, and may be ignored.
   * @overload
   * @param {(page: OnlinePage) => void} callback
   * @returns {Promise<void>}
   */
  /**
   * @param {((page: OnlinePage) => void) | null} [callback]
   * @returns {Promise<OnlinePage | void>}
   */
  getOnlineUsers(callback) {
    const presence = () => /** @type {Presence} */ (this.#life.presence);
    if (typeof callback !== 'function') {
      return this.#life.ask('logined', 'getOnlineUsers', () => presence().first());
    }
    const list = () => presence().list((page) => show('getOnlineUsers', callback, page));
    return this.#life.attempt('logined', 'getOnlineUsers', list);
  }

  /**
   * Sets the text that others see beside this terminal; at most 1 KiB.
   * @param {string} customState
   */
  setCustomState(customState) {
    return this.#life.attempt('logined', 'setCustomState', async () => {
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
    return this.#life.attempt('logined', 'invite', async () => {
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
    return this.#life.attempt('logined', 'replyInvite', async () => {
      await this.#signal.request({ answer_invite: parseInviteReply(options) });
    });
  }

  /**
   * @param {{ seqId: number, groupId?: string, calleeInfo?: Callees }} options without `calleeInfo`, all who have not
   *   answered
   */
  cancelInvite(options) {
    return this.#life.attempt('logined', 'cancelInvite', async () => {
      await this.#signal.request({ cancel_invite: parseInviteCancel(options) });
    });
  }

  /**
   * Removes a member from the group, for who may administer.
   * @param {{ userId: string, banSeconds?: number }} options for `banSeconds` he may not come back
   */
  kickUser(options) {
    return this.#life.attempt('joined', 'kickUser', async () => {
      await this.#signal.request({ kick: parseKick(options) });
    });
  }

  /**
   * Silences a media at the server or lets it be heard again, for who may administer.
   * @param {Media & { muted: boolean }} options
   */
  muteMedia(options) {
    return this.#life.attempt('joined', 'muteMedia', async () => {
      await this.#signal.request({ mute: parseMute(options) }, REPEATABLE);
    });
  }

  /**
   * Closes the group to newcomers or opens it, for who may administer.
   * @param {boolean} locked
   */
  lockGroup(locked) {
    return this.#life.attempt('joined', 'lockGroup', async () => {
      await this.#signal.request({ lock: parseLock(locked) }, REPEATABLE);
    });
  }

  /**
   * @param {string} call
   * @param {any} message
   * @param {'whiteList' | 'blackList' | null} list
   */
  #sendToGroup(call, message, list) {
    return this.#life.attempt('joined', call, async () => {
      const limits = { group: this.#group.id, maxMessage: this.#signal.maxMessage };
      const fields = parseGroupMessage(message, limits, list);
      await this.#signal.request({ message: fields }, { isFleeting: !!message.lossy });
    });
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

/** Of a call that is the same when it is carried out twice. */
const REPEATABLE = { isRepeatable: true };
