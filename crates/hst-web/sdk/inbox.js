import { toInvite, toInviteReply } from './invites.js';

/**
 * The application's event for one that reaches the user, and not his group.
 * @param {string} name
 * @param {any} fields
 * @returns {[name: string, payload: object] | null}
 */
export function tellUser(name, fields) {
  switch (name) {
    case 'user_message':
      return ['onRecvUserMsg', { srcUserId: fields.from, msg: fields.body, msgId: fields.seq }];
    case 'server_message':
      return ['onServerMessage', { msg: fields.body }];
    case 'invited':
      return ['onCommingInvite', toInvite(fields)];
    case 'invite_answered':
      return ['onInviteReply', toInviteReply(fields)];
    case 'invite_ended':
      return ['onInviteEnded', { seqId: fields.invite, reason: fields.why }];
    case 'token_expiring':
      return ['onTokenExpiring', { seconds: fields.seconds }];
    default:
      return null;
  }
}
