import { ErrorCode, HstRtcError } from './errors.js';
import { MediaRef, checkAppId, checkUserId } from './ids.js';

/** The version of the protocol that this engine speaks. */
export const PROTOCOL = 1;

/**
 * @typedef {object} Login the fields of a login on the wire
 * @property {number} protocol
 * @property {string} app
 * @property {string} token
 * @property {string} user
 * @property {string} terminal
 * @property {string} company
 * @property {boolean} force
 * @property {string} extend_info
 */

/**
 * @param {any} options
 * @returns {Login}
 */
export function parseLogin(options) {
  // Printed samples of the platform misspell it.
  const { appId, token, userId, mutextType, mutexType = mutextType, companyId, forceLogin, extendInfo } = options ?? {};
  return {
    protocol: PROTOCOL,
    app: checkAppId(appId),
    token: checkToken(token),
    user: checkUserId(userId),
    terminal: mutexType || 'web',
    company: companyId ?? '',
    force: !!forceLogin,
    extend_info: extendInfo ?? '',
  };
}

/**
 * @param {unknown} token
 * @returns {string}
 */
export function checkToken(token) {
  if (typeof token === 'string') return token;
  throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'the token is missing: pass the text of a token of the App');
}

/** @param {unknown} state */
export function parseState(state) {
  if (typeof state === 'string') return { state };
  throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'the custom state is a text');
}

/**
 * The fields of a removal on the wire.
 * @param {any} options
 */
export function parseKick(options) {
  const { userId, banSeconds = 0 } = options ?? {};
  if (!Number.isInteger(banSeconds) || banSeconds < 0) {
    throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'banSeconds is a whole number, not below 0');
  }
  return { user: checkUserId(userId), ...(banSeconds > 0 ? { ban: banSeconds } : {}) };
}

/**
 * The fields of a silencing on the wire.
 * @param {any} options
 */
export function parseMute(options) {
  const { userId, mediaType, mediaId, muted } = options ?? {};
  return { ...MediaRef.remote(userId, mediaType, mediaId).toWire(), muted: checkFlag('muted', muted) };
}

/** @param {unknown} locked */
export function parseLock(locked) {
  return { locked: checkFlag('locked', locked) };
}

/**
 * @param {string} name
 * @param {unknown} flag
 * @returns {boolean}
 */
function checkFlag(name, flag) {
  if (typeof flag === 'boolean') return flag;
  throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, `${name} is true or false`);
}
