import { ErrorCode, HstRtcError } from './errors.js';
import { checkUserId, isNothing } from './ids.js';

/** The most users that one message or invite may name. */
const MAX_LISTED = 128;
/** The most entries of a page. */
export const MAX_PAGE = 500;

/** The lists that a message to the group may have, and what they mean on the wire. */
const AUDIENCES = Object.freeze({ whiteList: 'only', blackList: 'except' });

/**
 * The fields of a message to the group on the wire. A list that the method does not take is refused: to take it for
 * another one, or to leave it out, would tell somebody what is not for him.
 * @param {any} message
 * @param {{ group: string, maxMessage: number }} limits
 * @param {keyof typeof AUDIENCES | null} list the one that the method takes
 */
export function parseGroupMessage(message, { group, maxMessage }, list) {
  const { msg, lossy = false } = message ?? {};
  const groupId = isNothing(message?.groupId) ? group : message.groupId;
  if (groupId !== group) {
    throw new HstRtcError(ErrorCode.NOT_IN_GROUP, `messages go to the group that one is in, which is ${group}`);
  }
  for (const name of Object.keys(AUDIENCES)) {
    if (name !== list && !isNothing(message?.[name])) throw invalid(`this call takes no ${name}: use the one for it`);
  }
  return {
    body: checkBody(msg, maxMessage),
    ...(list ? { to: { [AUDIENCES[list]]: checkUsers(list, message?.[list]) } } : {}),
    ...(lossy ? { class: 'lossy' } : {}),
  };
}

/**
 * The fields of a message to a user on the wire.
 * @param {any} message
 * @param {number} maxMessage
 */
export function parseUserMessage(message, maxMessage) {
  const { dstUserId, msg } = message ?? {};
  return { user: checkUserId(dstUserId), body: checkBody(msg, maxMessage) };
}

/**
 * Which page is wanted: its border, if one is given, and how much of it.
 * @param {'before' | 'after'} border
 * @param {any} options
 */
export function parsePage(border, options) {
  const { limit = MAX_PAGE, [border]: value } = options ?? {};
  if (!Number.isInteger(limit) || limit < 1) throw invalid(`limit is a whole number from 1 to ${MAX_PAGE}`);
  const isGiven = value !== undefined && value !== null;
  return { ...(isGiven ? { [border]: value } : {}), limit: Math.min(limit, MAX_PAGE) };
}

/**
 * A message of the group as applications get it.
 * @param {string} groupId
 * @param {{ from: string, seq: number, body: any }} message
 */
export function toGroupMessage(groupId, { from, seq, body }) {
  return { srcUserId: from, groupId, msg: body, msgId: seq };
}

/**
 * @param {string} name
 * @param {unknown} list
 */
export function checkUsers(name, list) {
  if (!Array.isArray(list) || list.length > MAX_LISTED) {
    throw invalid(`${name} is an array of at most ${MAX_LISTED} User IDs`);
  }
  return list.map(checkUserId);
}

/**
 * @param {unknown} msg
 * @param {number} maxMessage in bytes
 */
function checkBody(msg, maxMessage) {
  const json = toJson(msg);
  if (json === undefined || new TextEncoder().encode(json).length > maxMessage) {
    throw invalid(`msg is any JSON value of at most ${maxMessage} bytes`);
  }
  return msg;
}

/** @param {unknown} value */
function toJson(value) {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** @param {string} message */
function invalid(message) {
  return new HstRtcError(ErrorCode.INVALID_ARGUMENT, message);
}
