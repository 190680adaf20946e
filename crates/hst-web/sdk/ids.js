import { ErrorCode, HstRtcError } from './errors.js';

/** What a media carries; the numbers are the platform's. */
export const MediaType = Object.freeze({ SCREEN_SHARE: 0, AUDIO: 1, VIDEO: 2, TRANSPARENT_DATA: 3, WHITE_BOARD: 4 });

/** Whether a user is online. */
export const OnlineType = Object.freeze({ OFFLINE: 0, ONLINE: 1 });

/** How a white board fits its element: whole, filled, or scaled by a percentage. */
export const DisplayMode = Object.freeze({ DBWZ: 1, DBSY: 2, DBSF: 3 });

/** The id of every user's microphone, whatever the device. */
const MICROPHONE = 'appdef_mic';
/** The id of the same voice when it is altered. Applications never see it: they hear it in the place of the other one. */
const ALTERED_VOICE = 'appdef_mic_magic';
/** The id of a browser's shared screen. */
const SCREEN = '0';
/** The id of what that screen plays. Applications never see it: it comes and goes with the screen. */
const SCREEN_SOUND = 'appdef_screen_sound';
/** What is meant without an id, where a user has one only. @type {Record<number, string>} */
const ONLY_ONE = { [MediaType.AUDIO]: MICROPHONE, [MediaType.SCREEN_SHARE]: SCREEN };
/** The id of a camera that is published without naming a device. */
const DEFAULT_CAMERA = 'appdef_vid';

/** @param {unknown} text */
export function checkUserId(text) {
  return checkName('User ID', text, ErrorCode.ILLEGAL_USER_ID);
}

/** @param {unknown} text */
export function checkGroupId(text) {
  return checkName('Group ID', text, ErrorCode.INVALID_ARGUMENT);
}

/** @param {unknown} text */
export function checkAppId(text) {
  return checkName('App ID', text, ErrorCode.INVALID_ARGUMENT);
}

/**
 * The one rule of App, User and Group IDs.
 * @param {string} what
 * @param {unknown} text
 * @param {number} code
 * @returns {string}
 */
function checkName(what, text, code) {
  if (typeof text === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(text)) return text;
  const rule = 'give 1 to 128 letters, digits, "_" and "-"';
  if (isNothing(text)) throw new HstRtcError(code, `the ${what} is missing: ${rule}`);
  if (typeof text !== 'string') throw new HstRtcError(code, `the ${what} is no text: ${rule}`);
  const alien = /[^A-Za-z0-9_-]/u.exec(text);
  const fault = alien ? `has ${JSON.stringify(alien[0])} at position ${alien.index}` : `has ${text.length} characters`;
  throw new HstRtcError(code, `the ${what} ${fault}: ${rule}`);
}

/**
 * Browsers make device ids of base64, so this alphabet is wider than that of names.
 * @param {unknown} text
 * @returns {string}
 */
export function checkMediaId(text) {
  if (typeof text === 'string' && /^[!-~]{1,256}$/.test(text)) return text;
  throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'a media ID has 1 to 256 visible ASCII characters');
}

/**
 * Whether media of this type travel as sound or pictures.
 * @param {unknown} type
 */
export function isStream(type) {
  return type === MediaType.SCREEN_SHARE || type === MediaType.AUDIO || type === MediaType.VIDEO;
}

/** One media of the group: whose, what, and which of them. */
export class MediaRef {
  /**
   * @param {string} user
   * @param {number} type
   * @param {string} media
   */
  constructor(user, type, media) {
    this.user = user;
    this.type = type;
    this.media = media;
  }

  /**
   * A media that somebody else publishes, by the arguments of a public method.
   * @param {unknown} user
   * @param {unknown} type
   * @param {unknown} media
   */
  static remote(user, type, media) {
    const ref = MediaRef.named(user, type, media);
    checkUserId(user);
    checkStreamType(ref.type);
    checkMediaId(ref.media);
    return ref;
  }

  /**
   * The same unchecked, for what may be no media at all.
   * @param {unknown} user
   * @param {unknown} type
   * @param {unknown} media
   */
  static named(user, type, media) {
    const number = toNumber(type);
    const id = isNothing(media) ? ONLY_ONE[number] : media;
    return new MediaRef(String(user), number, id === undefined ? '' : String(id));
  }

  /**
   * One of one's own: the microphone and the shared screen have a fixed id whatever device is named.
   * @param {string} user
   * @param {unknown} type
   * @param {unknown} device
   */
  static own(user, type, device) {
    switch (checkStreamType(toNumber(type))) {
      case MediaType.AUDIO:
        return MediaRef.microphone(user);
      case MediaType.SCREEN_SHARE:
        return new MediaRef(user, MediaType.SCREEN_SHARE, SCREEN);
      default:
        return new MediaRef(user, MediaType.VIDEO, isNothing(device) ? DEFAULT_CAMERA : checkMediaId(device));
    }
  }

  /** @param {string} user */
  static microphone(user) {
    return new MediaRef(user, MediaType.AUDIO, MICROPHONE);
  }

  /**
   * What a user's screen plays.
   * @param {string} user
   */
  static screenSound(user) {
    return new MediaRef(user, MediaType.AUDIO, SCREEN_SOUND);
  }

  /**
   * A user's voice as he alters it, which goes with his microphone.
   * @param {string} user
   */
  static alteredVoice(user) {
    return new MediaRef(user, MediaType.AUDIO, ALTERED_VOICE);
  }

  get isMicrophone() {
    return this.type === MediaType.AUDIO && this.media === MICROPHONE;
  }

  get isScreenSound() {
    return this.media === SCREEN_SOUND;
  }

  get isAlteredVoice() {
    return this.media === ALTERED_VOICE;
  }

  /** Whether it goes with another media, and applications are told of that one alone. */
  get isHidden() {
    return this.isScreenSound || this.isAlteredVoice;
  }

  /** One text for each media: neither names nor types contain a slash. */
  get key() {
    return `${this.user}/${this.type}/${this.media}`;
  }

  /** @returns {'audio' | 'video'} */
  get kind() {
    return this.type === MediaType.AUDIO ? 'audio' : 'video';
  }

  /** The fields of the public events. */
  toEvent() {
    return { userId: this.user, mediaType: this.type, mediaId: this.media };
  }

  /** The fields on the wire. */
  toWire() {
    return { user: this.user, type: this.type, media: this.media };
  }
}

/**
 * Applications that keep a type in the page have it as a text.
 * @param {unknown} type
 */
function toNumber(type) {
  return isNothing(type) ? NaN : Number(type);
}

/**
 * @param {unknown} type
 * @returns {number}
 */
function checkStreamType(type) {
  if (isStream(type)) return /** @type {number} */ (type);
  throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'the media type is 0 screen share, 1 audio or 2 video');
}

/** @param {unknown} value */
export function isNothing(value) {
  return value === undefined || value === null || value === '';
}
