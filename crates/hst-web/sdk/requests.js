import { ErrorCode, HstRtcError } from './errors.js';
import { checkAppId, checkUserId } from './ids.js';

/** The version of the protocol that this engine speaks. */
const PROTOCOL = 1;
/** The most bytes of one message as JSON. */
const MAX_MESSAGE = 8 * 1024;

/**
 * The fields of a login on the wire.
 * @param {any} options
 */
export function parseLogin(options) {
  const { appId, token, userId, mutexType, companyId, forceLogin, extendInfo } = options ?? {};
  const app = checkAppId(appId);
  const user = checkUserId(userId);
  if (typeof token !== 'string') {
    throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'the token is missing: pass the text of a token of the App');
  }
  return {
    protocol: PROTOCOL,
    app,
    token,
    user,
    terminal: mutexType || 'web',
    company: companyId ?? '',
    force: !!forceLogin,
    extend_info: extendInfo ?? '',
  };
}

/**
 * The body of a message on the wire.
 * @param {any} message
 * @param {string} group
 */
export function parseMessage(message, group) {
  const { groupId = group, msg } = message ?? {};
  if (groupId !== group) {
    throw new HstRtcError(ErrorCode.NOT_IN_GROUP, `messages go to the group that one is in, which is ${group}`);
  }
  const json = JSON.stringify(msg);
  if (json === undefined || new TextEncoder().encode(json).length > MAX_MESSAGE) {
    throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, `msg is any JSON value of at most ${MAX_MESSAGE} bytes`);
  }
  return msg;
}
