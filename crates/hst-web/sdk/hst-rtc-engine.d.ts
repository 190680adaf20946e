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

/** One terminal by which a user is online. */
export interface OnlineInfo {
  /** The class of the terminal. */
  mutexType: string;
  /** The text that it has set with {@link HstRtcEngine.setCustomState}. */
  customState: string;
  state: 0 | 1;
  /** The text of its login. */
  extendInfo: string;
}

/** Some of the users online in the App and company, oneself included. */
export interface OnlinePage {
  /** `curPage` counts from 1. */
  pageInfo: { totalPages: number; curPage: number };
  userInfo: { userId: string; onlineInfo: OnlineInfo[] }[];
}

export interface GroupMessage {
  srcUserId: string;
  groupId: string;
  msg: any;
  /** The message's number in the group: 1 for the first. */
  msgId: number;
}

/** Users by their ids, as texts or as objects; at most 128. */
export type Callees = (string | { userId: string })[];

/** What a failed promise carries: a number of the platform, and a message that says what to do. */
export interface HstRtcError extends Error {
  readonly name: 'HstRtcError';
  /** Such as 34. */
  readonly code: number;
  /** The number that the server sent, such as 1000008; undefined when the server was not asked. */
  readonly serverCode?: number;
  /** For how many ms the server wants to be left alone; undefined when it did not say. */
  readonly retryAfter?: number;
}

/** What the hand does on a white board: `gmov` moves a figure. */
export type BoardTool = 'gmov' | 'eraser' | 'curve' | 'line' | 'rect' | 'ellipse' | 'text';

/** A white board to be made. */
export interface BoardOptions {
  board_name?: string;
  /** In pixels of its own. Default: 1280 by 768. */
  width?: number;
  height?: number;
  /** The addresses of the pictures behind its pages, one for each; `""` is a blank one. Default: one blank page. */
  images?: string[];
  /** In place of `images`: the address of a converted document, with `{page}` where the number of a page stands, from 1. */
  convert_file_path?: string;
  /** How many pages that has. */
  page?: number;
}

/**
 * A white board to draw on. What is done is shown to everybody who receives the board, in one order for all. Without an
 * argument a method only tells what is set.
 */
export interface WhiteBoard {
  /** Whether a pointer draws on it here. */
  edit(): boolean;
  /** Resolves to whether it does: not where the token gives no right to publish boards. */
  edit(on: boolean): Promise<boolean>;
  /** Default: `curve`. */
  toolType(name?: BoardTool): BoardTool;
  /** In pixels of the board. Default: 2. */
  brushSize(size?: number | string): number;
  /** As `#rrggbb`. */
  brushColor(color?: string): string;
  /** Takes one's own last figure of the page back. What was moved or erased stays so. */
  revoke(): void;
  /** Undoes the last `revoke`, until something new is drawn. */
  restore(): void;
  /** Erases the page, for everybody and for good. */
  clear(): void;
  /** The page that is turned to, from 0; with a number, turns to that one for everybody. */
  page(number?: number | string): number;
  pageCount(): number;
  /** Adds a page behind the last one, blank or with a picture behind it. */
  addPage(image?: string): void;
}

/** The names of events and what their subscribers get. */
export interface Events {
  /**
   * The other members at the moment of joining, of a large group the first of them by name; comes once, before the
   * other events of the group.
   */
  onGroupUserList: (userIds: string[]) => void;
  /**
   * In a large group: how many members it has, oneself included. Not `complete` means that not all who came and went
   * were told one by one: {@link HstRtcEngine.getGroupUsers} knows who is there.
   */
  onGroupUserCount: (count: { total: number; complete: boolean }) => void;
  onUserJoinGroup: (userId: string) => void;
  onUserLeaveGroup: (userId: string) => void;
  /** A media is there; told also for those that were there before. A white board is told of to its publisher too. */
  onPublishMedia: (media: Media & { mediaName: string }) => void;
  onUnPublishMedia: (media: Media & { mediaName: string }) => void;
  /**
   * A media that is received flows: time to show it. The sound and first camera of a user share their `streamId`. A white
   * board comes when all that is on it is here, with its name and pages, `curPage` from 0.
   */
  onRemoteMediaAdd: (
    media: Media & { streamId?: string; mediaName?: string; totalPage?: number; curPage?: number },
  ) => void;
  /** Somebody, maybe oneself, has turned a white board that is received to another page, from 0. */
  onWhiteBoardCurPageChanged: (change: { mediaId: string; curPage: number }) => void;
  /** Silenced at the server, or heard again; one's own media too. */
  onMediaMuted: (media: Media & { muted: boolean }) => void;
  /** The group takes no newcomers, or takes them again. */
  onGroupLocked: (state: { locked: boolean }) => void;
  onRecvGroupMsg: (message: GroupMessage) => void;
  /** Out of the group without having asked for it, such as 1000104 by who administers. The login goes on. */
  onGroupRemoved: (why: { code: number; message: string }) => void;
  onRecvUserMsg: (message: { srcUserId: string; msg: any; msgId: number }) => void;
  /** The application's own server has written to this terminal. */
  onServerMessage: (message: { msg: any }) => void;
  /**
   * Somebody has come online by a class of terminal, has set another text there, or has gone. Comes after
   * {@link HstRtcEngine.getOnlineUsers} was called, for each change once and never for oneself.
   */
  onOnlineUserState: (change: OnlineInfo & { userId: string }) => void;
  /** `seqId` is the server's number, which {@link HstRtcEngine.replyInvite} names; `userName` the inviter's `extendInfo`. */
  onCommingInvite: (invite: {
    seqId: number;
    groupId: string;
    userId: string;
    userName: string;
    extendInfo: any;
  }) => void;
  /** 0 accepted, 1 rejected, 2 not answered in time, 3 not online; `seqId` is one's own number. */
  onInviteReply: (reply: { seqId: number; userId: string; result: 0 | 1 | 2 | 3; extendInfo: any }) => void;
  /** Stop ringing. */
  onInviteEnded: (end: { seqId: number; reason: 'answered_elsewhere' | 'cancelled' | 'timed_out' }) => void;
  /** The screen share ended, or did not begin, by the user's choice in the browser. */
  onScreenShareStopped: () => void;
  /** The connection is lost, and the engine is trying to come back. Calls wait meanwhile. */
  onReconnecting: () => void;
  /** The connection is back; what has happened meanwhile follows as ordinary events. */
  onReconnected: () => void;
  /**
   * After a reconnection: messages and invites may be missing, because the server could not keep them all (`missed`), or
   * had given the session up and the engine has logged in anew (`login`). What has changed in the group and in who is
   * online follows as ordinary events, and everything that was published and received goes on.
   */
  onDiscontinuity: (what: { reason: 'missed' | 'login' }) => void;
  /** The token ends soon, and the login with it: call {@link HstRtcEngine.renewToken}. */
  onTokenExpiring: (what: { seconds: number }) => void;
  /** Somebody else logged in as this user. */
  onUserForceLogout: () => void;
  /** Who administers has ended the login. */
  onKickOut: () => void;
  /** The login has ended without having been asked to; the engine is initialised and logged out. */
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
  /** Shows a newer token, so that the login outlives the one that it began with. */
  renewToken(token: string): Promise<void>;
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
   * Publishes the microphone (its media ID is always `appdef_mic`), a camera, or the screen (always `0`); or shows a
   * white board to the group. Call it for the screen inside a click. The promise may be ignored: a failure comes as `onError` too.
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
   * the element set for it, or else in one that shows the user. A white board, whoever made it, is shown in a `<div>`.
   */
  setMediaRender(
    userId: string | null,
    mediaType: MediaType,
    mediaId: string | null,
    element: HTMLElement,
    options?: PictureOptions | null,
  ): Promise<void>;
  /**
   * Empties an element, whatever it shows.
   * @param element of a white board its media ID
   */
  unsetMediaRender(userId: string | null, mediaType: MediaType, element: HTMLMediaElement | string): Promise<void>;

  /** Asks the user for permission when needed. Where a page may use no devices, the lists are empty. */
  getMediaDevices(): Promise<Devices>;
  /** Tells the figures of a media at an interval until it ends; waits for it when it does not flow yet. */
  getStreamStats<T = undefined>(
    media: { userId: string; mediaType: MediaType; mediaId: string | null },
    callback: (stats: any, userData: T) => void,
    interval?: number,
    userData?: T,
  ): Promise<void>;

  /**
   * Writes to a user of the App who is online, in whatever group.
   * @param message `msg` is any JSON value of at most 8 KiB, where the App does not say otherwise
   */
  sendUserMsg(message: { dstUserId: string; msg: unknown }): Promise<void>;
  /**
   * Writes to everybody else in the group, who all get it in the same order.
   * @param message `lossy` leaves it out where somebody is slow or away, such as the position of a pointer
   */
  sendGroupMsg(message: { groupId?: string; msg: unknown; lossy?: boolean }): Promise<void>;
  /** @param message `whiteList` names at most 128 users: only they get it */
  sendGroupMsgWithWhiteList(message: {
    groupId?: string;
    whiteList: string[];
    msg: unknown;
    lossy?: boolean;
  }): Promise<void>;
  /** @param message `blackList` names at most 128 users: all others get it */
  sendGroupMsgWithBlackList(message: {
    groupId?: string;
    blackList: string[];
    msg: unknown;
    lossy?: boolean;
  }): Promise<void>;
  /**
   * Earlier messages of the group, where it keeps any, in their order.
   * @param options the latest, or those before a `msgId`; at most 500
   */
  getGroupHistory(options?: { before?: number; limit?: number }): Promise<GroupMessage[]>;
  /**
   * Who is in the group, by name, oneself left out.
   * @param options only those behind a name; at most 500
   */
  getGroupUsers(options?: {
    after?: string;
    limit?: number;
  }): Promise<{ userIds: string[]; total: number; more: boolean }>;

  /**
   * Who is online, and from then on each change as `onOnlineUserState`. The first page is the result; users of further
   * pages come as events too, so that everybody is told of once.
   */
  getOnlineUsers(): Promise<OnlinePage>;
  /** The same, with all pages for the callback; the promise settles behind the last one. */
  getOnlineUsers(callback: (page: OnlinePage) => void): Promise<void>;
  /** Sets the text that others see beside this terminal; at most 1 KiB. */
  setCustomState(customState: string): Promise<void>;

  /** @param options `seqId` is one's own number for it, which the answers name */
  invite(options: { seqId: number; groupId: string; calleeInfo: Callees; extendInfo?: unknown }): Promise<void>;
  /** @param options `seqId` as in `onCommingInvite`; `operation` is 0 to accept and 1 to reject */
  replyInvite(options: { seqId: number; groupId?: string; operation: 0 | 1; extendInfo?: unknown }): Promise<void>;
  /** @param options without `calleeInfo`, all who have not answered */
  cancelInvite(options: { seqId: number; groupId?: string; calleeInfo?: Callees }): Promise<void>;

  /** Makes a white board of the group and gives its media ID; {@link startPublishMedia} then shows it to everybody. */
  createWhiteBoard(options?: BoardOptions): Promise<string>;
  /** What to draw with, from the board's `onRemoteMediaAdd` on; null before and after. May be called at any time. */
  getWhiteBoard(mediaId?: string | null): WhiteBoard | null;
  /** Ends a white board for everybody: for who made it, who may administer, and anybody once its maker has left. */
  closeWhiteBoard(mediaId?: string | null): Promise<void>;
  /**
   * How white boards fit their elements, now and later. May be called at any time.
   * @param mediaId without it, all of them
   * @param mode of `DisplayMode`: 1 whole, 2 filled, 3 by percentage; any other is 1
   * @param param the percentage
   */
  setWhiteBoardDisplayMode(mediaId: string | null | undefined, mode: number | string, param?: number | string): void;

  /**
   * Removes a member from the group, for who may administer.
   * @param options for `banSeconds` he may not come back
   */
  kickUser(options: { userId: string; banSeconds?: number }): Promise<void>;
  /** Silences a media at the server or lets it be heard again, for who may administer. */
  muteMedia(options: Media & { muted: boolean }): Promise<void>;
  /** Closes the group to newcomers or opens it, for who may administer. */
  lockGroup(locked: boolean): Promise<void>;
}

export default HstRtcEngine;

declare global {
  interface Window {
    /** Defined by the classic script `hst-rtc-engine.js`. */
    HstRtcEngine: typeof HstRtcEngine;
  }
}
