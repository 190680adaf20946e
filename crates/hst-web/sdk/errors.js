/** Numbers of the platform for what went wrong, as the engine reports them. */
export const ErrorCode = Object.freeze({
  INVALID_ARGUMENT: 1,
  NOT_INITIALISED: 2,
  DEVICE: 4,
  CONNECT: 30,
  NOT_IN_GROUP: 31,
  AUTHENTICATION: 32,
  NO_SUCH_APP: 33,
  ALREADY_LOGGED_IN: 34,
  NOT_LOGGED_IN: 35,
  NO_VIDEO_PERMISSION: 71,
  NO_AUDIO_PERMISSION: 72,
  NO_SCREEN_SHARE: 73,
  SERVER_INTERNAL: 301,
  OPERATION_FAILED: 302,
  ILLEGAL_USER_ID: 1000006,
  LOGIN_CONFLICT: 1000008,
  JOINED_TWICE: 1000010,
  KICKED_OUT: 1000104,
  USER_OFFLINE: 1000107,
  SLOW_READER: 1000109,
  NO_SUCH_INVITE: 1000110,
});

/** What the engine reports for a number of the signalling service; any other number stays as it is. */
const ENGINE_CODES = new Map([
  [1000000, ErrorCode.AUTHENTICATION],
  [1000001, ErrorCode.NO_SUCH_APP],
  [1000002, ErrorCode.NO_SUCH_APP],
  [1000003, ErrorCode.NOT_LOGGED_IN],
  [1000004, ErrorCode.NO_VIDEO_PERMISSION],
  [1000005, ErrorCode.NO_AUDIO_PERMISSION],
  [1000008, ErrorCode.ALREADY_LOGGED_IN],
  [1000010, ErrorCode.ALREADY_LOGGED_IN],
  [1000105, ErrorCode.AUTHENTICATION],
  [1000106, ErrorCode.AUTHENTICATION],
]);

/** Why a call failed: a number of the platform, and a message that says what to do. */
export class HstRtcError extends Error {
  /**
   * @param {number} code
   * @param {string} message
   * @param {{ serverCode?: number, retryAfter?: number, cause?: unknown }} [details]
   */
  constructor(code, message, details = {}) {
    super(message);
    this.name = 'HstRtcError';
    /** @type {number} */
    this.code = code;
    /** The number that the server sent; undefined when the server was not asked. @type {number | undefined} */
    this.serverCode = details.serverCode;
    /** For how many ms the server wants to be left alone; undefined when it did not say. @type {number | undefined} */
    this.retryAfter = details.retryAfter;
    /** The browser's own error, if there was one. @type {unknown} */
    this.cause = details.cause;
  }
}

/** A call that another call of the application ended before its time: no fault, so nothing is reported for it. */
export class Interrupted extends HstRtcError {
  /** @param {string} by */
  constructor(by) {
    super(ErrorCode.NOT_INITIALISED, `the call was ended by ${by}`);
  }
}

/** A call whose answer was lost: nobody knows whether it was carried out. */
export class OutcomeUnknown extends HstRtcError {
  /** @param {string} why */
  constructor(why) {
    super(ErrorCode.OPERATION_FAILED, `${why}: outcome unknown, look before you try again`);
  }
}

/**
 * The server's refusal, or its reason for ending a session, as the engine reports it.
 * @param {{ code: number, message: string, retry_after?: number }} failure
 */
export function fromServer({ code, message, retry_after }) {
  const details = { serverCode: code, retryAfter: retry_after };
  return new HstRtcError(ENGINE_CODES.get(code) ?? code, message, details);
}
