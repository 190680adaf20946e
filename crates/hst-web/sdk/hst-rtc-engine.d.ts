/** What a media carries. */
export interface MediaTypes {
  readonly SCREEN_SHARE: 0;
  readonly AUDIO: 1;
  readonly VIDEO: 2;
  readonly TRANSPARENT_DATA: 3;
  readonly WHITE_BOARD: 4;
}

/** A number of {@link MediaTypes}. */
export type MediaType = 0 | 1 | 2 | 3 | 4;

export interface LoginOptions {
  /** The App ID. */
  appId: string;
  /** A token of the App. */
  token: string;
  /** 1 to 128 of letters, digits, `_` and `-`. */
  userId: string;
  /** The organisation inside the App that bounds presence. Default: `""`. */
  companyId?: string;
  /** The class of this terminal. Default: `"web"`. */
  mutexType?: string;
  /** Whether an earlier login of the same user and terminal gives way. Default: false, this one is refused. */
  forceLogin?: boolean;
  /** A free text for others, such as a nickname. */
  extendInfo?: string;
}

/** Size and pace of a published picture. Default: 640×480 at 15 for cameras, 1920×1080 at 15 for the screen. */
export interface PictureOptions {
  width?: number;
  height?: number;
  /** Frames a second. */
  frameRate?: number;
  /** In kbit/s; 0 takes the platform's value for size and pace. */
  bitRate?: number;
}

export interface Device {
  devName: string;
  devId: string;
}

export interface Devices {
  micDevs: Device[];
  spkDevs: Device[];
  camDevs: Device[];
}

/** One published media of a user. */
export interface Media {
  userId: string;
  mediaType: MediaType;
  mediaId: string;
}

export interface SoundStats {
  /** From 0 to 100. */
  volume: number;
}

export interface PictureStats {
  width: number;
  height: number;
  frameRate: number;
  /** In kbit/s. */
  bitRate: number;
}

/** What a failed promise carries: a number of the platform, and a message that says what to do. */
export interface HstRtcError extends Error {
  readonly name: 'HstRtcError';
  /** Such as 34. */
  readonly code: number;
  /** The number that the server sent, such as 1000008; undefined when the server was not asked. */
  readonly serverCode?: number;
}

/** The names of events and what their subscribers get. */
export interface Events {
  /** The other members at the moment of joining; comes once, before the other events of the group. */
  onGroupUserList: (userIds: string[]) => void;
  onUserJoinGroup: (userId: string) => void;
  onUserLeaveGroup: (userId: string) => void;
  /** A media is there; told also for those that were there before. */
  onPublishMedia: (media: Media & { mediaName: string }) => void;
  onUnPublishMedia: (media: Media & { mediaName: string }) => void;
  /** A media that is received flows: time to show it. The sound and first camera of a user share their `streamId`. */
  onRemoteMediaAdd: (media: Media & { streamId: string }) => void;
  onRecvGroupMsg: (message: { srcUserId: string; groupId: string; msg: any; msgId: number }) => void;
  /** The screen share ended, or did not begin, by the user's choice in the browser. */
  onScreenShareStopped: () => void;
  /** Somebody else logged in as this user. */
  onUserForceLogout: () => void;
  /** The connection was lost; the engine is initialised and logged out. */
  onWebSocketClosed: (why: { code: number; message: string }) => void;
  /** A call whose promise may be ignored has failed, or the engine has met a trouble by itself. */
  onError: (error: { code: number; message: string; serverCode?: number }) => void;
}

/**
 * The engine of one user. No method throws; promises fail with an {@link HstRtcError}.
 *
 * The order of calls: `init`, `login`, `joinGroup`, media and messages, `leaveGroup`, `exit`, `destroy`.
 */
export class HstRtcEngine {
  constructor();

  readonly MediaType: MediaTypes;
  readonly OnlineType: { readonly OFFLINE: 0; readonly ONLINE: 1 };
  readonly DisplayMode: { readonly DBWZ: 1; readonly DBSY: 2; readonly DBSF: 3 };

  /**
   * Asks the Access service for the addresses of all others.
   * @param accessUrl a base URL, its `/server/address`, or `host:port`; by default the origin that served the script
   */
  init(accessUrl?: string | null): Promise<void>;
  login(options: LoginOptions): Promise<void>;
  joinGroup(groupId: string): Promise<void>;
  /** Everything published and received ends with this call, and no event of the group comes after it. */
  leaveGroup(): Promise<void>;
  /** Leaves the group too. Everything ends with this call; the promise settles within 3 s. */
  exit(): Promise<void>;
  /** The same as {@link exit}. */
  logout(): Promise<void>;
  /** Leaves and exits too. Subscriptions stay, and `init` may be called again. */
  destroy(): void;

  /** Events that nobody has subscribed to yet wait for their first subscriber. */
  subEvent<Name extends keyof Events>(name: Name, callback: Events[Name], context?: unknown): void;
  subEvent(name: string, callback: (...payload: any[]) => void, context?: unknown): void;
  /** The same as {@link subEvent}. */
  on<Name extends keyof Events>(name: Name, callback: Events[Name], context?: unknown): void;
  on(name: string, callback: (...payload: any[]) => void, context?: unknown): void;
  /** Without a callback all subscriptions of that name end, without a name all. */
  unsubEvent(name?: string | null, callback?: ((...payload: any[]) => void) | null, context?: unknown): void;

  /**
   * Publishes the microphone (its media ID is always `appdef_mic`), a camera, or the screen (always `0`). Call it for
   * the screen inside a click. The promise may be ignored: a failure comes as `onError` too.
   * @param mediaId the device
   */
  startPublishMedia(mediaType: MediaType, mediaId?: string | null, options?: PictureOptions | null): Promise<void>;
  /** @param mediaId the device; without it all media of that type stop */
  stopPublishMedia(mediaType: MediaType, mediaId?: string | null): Promise<void>;
  /** Resolves when the server has agreed; `onRemoteMediaAdd` tells when the media flows. */
  startReceiveMedia(userId: string, mediaType: MediaType, mediaId: string): Promise<void>;
  /** Resolves also when the media is not received. */
  stopReceiveMedia(userId: string, mediaType: MediaType, mediaId: string): Promise<void>;

  /**
   * Shows a media in an element, now or when it comes; with the own User ID as a preview. The sound of a user plays in
   * the element set for it, or else in one that shows the user.
   */
  setMediaRender(
    userId: string,
    mediaType: MediaType,
    mediaId: string | null,
    element: HTMLMediaElement,
    options?: PictureOptions | null,
  ): Promise<void>;
  /** Empties an element, whatever it shows. */
  unsetMediaRender(userId: string | null, mediaType: MediaType, element: HTMLMediaElement): Promise<void>;

  /** Asks the user for permission when needed. Where a page may use no devices, the lists are empty. */
  getMediaDevices(): Promise<Devices>;
  /** Tells the figures of a media at an interval until it ends; waits for it when it does not flow yet. */
  getStreamStats<T = undefined>(
    media: { userId: string; mediaType: MediaType; mediaId: string | null },
    callback: (stats: any, userData: T) => void,
    interval?: number,
    userData?: T,
  ): Promise<void>;

  /** @param message `msg` is any JSON value of at most 8 KiB; everybody else in the group gets it */
  sendGroupMsg(message: { groupId?: string; msg: unknown }): Promise<void>;
}

export default HstRtcEngine;

declare global {
  interface Window {
    /** Defined by the classic script `hst-rtc-engine.js`. */
    HstRtcEngine: typeof HstRtcEngine;
  }
}
