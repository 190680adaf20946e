import { ErrorCode, HstRtcError } from './errors.js';
import { checkGroupId, isNothing } from './ids.js';
import { checkUsers } from './messages.js';

/** What became of an invite with one of the invited; the first two numbers are the platform's. */
const RESULTS = Object.freeze({ accepted: 0, rejected: 1, timed_out: 2, offline: 3 });

/** The answers to an invite. */
const ACCEPT = 0;
const REJECT = 1;

/**
 * The fields of an invite on the wire.
 * @param {any} options
 */
export function parseInvite(options) {
  const { seqId, groupId, calleeInfo, extendInfo } = options ?? {};
  return {
    invite: checkNumber(seqId),
    group: checkGroupId(groupId),
    users: checkCallees(calleeInfo),
    ...infoOf(extendInfo),
  };
}

/**
 * The fields of an answer on the wire.
 * @param {any} options
 */
export function parseInviteReply(options) {
  const { seqId, operation, extendInfo } = options ?? {};
  const answer = numberOf(operation);
  if (answer !== ACCEPT && answer !== REJECT) {
    throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'operation is 0 to accept or 1 to reject');
  }
  return { invite: checkNumber(seqId), accept: answer === ACCEPT, ...infoOf(extendInfo) };
}

/**
 * The fields of a cancellation on the wire: for some of the invited, or for all.
 * @param {any} options
 */
export function parseInviteCancel(options) {
  const { seqId, calleeInfo } = options ?? {};
  return { invite: checkNumber(seqId), ...(isNothing(calleeInfo) ? {} : { users: checkCallees(calleeInfo) }) };
}

/**
 * An invite of somebody else as applications get it.
 * @param {{ invite: number, group: string, from: string, from_info?: string, extend_info?: any }} fields
 */
export function toInvite({ invite, group, from, from_info = '', extend_info = '' }) {
  return { seqId: invite, groupId: group, userId: from, userName: from_info, extendInfo: extend_info };
}

/**
 * What became of an own invite, as applications get it.
 * @param {{ invite: number, user: string, outcome: keyof typeof RESULTS, extend_info?: any }} fields
 */
export function toInviteReply({ invite, user, outcome, extend_info = '' }) {
  return { seqId: invite, userId: user, result: RESULTS[outcome], extendInfo: extend_info };
}

/** @param {unknown} seqId */
function checkNumber(seqId) {
  const number = numberOf(seqId);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'seqId is the number of the invite: a whole one, not below 0');
}

/**
 * Applications name the invited as texts or as objects; and who writes a name into a page without quotes as numbers.
 * @param {unknown} callees
 */
function checkCallees(callees) {
  const nameOf = (/** @type {any} */ one) => (typeof one === 'number' ? String(one) : one);
  const users = Array.isArray(callees) ? callees.map((one) => nameOf(one?.userId ?? one)) : callees;
  return checkUsers('calleeInfo', users);
}

/**
 * A number, also as the text that a page keeps it as; NaN for all else.
 * @param {unknown} value
 */
function numberOf(value) {
  const isText = typeof value === 'string' && value.trim() !== '';
  return isText || typeof value === 'number' ? Number(value) : NaN;
}

/** @param {unknown} extendInfo any JSON value */
function infoOf(extendInfo) {
  return isNothing(extendInfo) ? {} : { extend_info: extendInfo };
}
