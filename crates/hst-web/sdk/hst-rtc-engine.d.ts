// Made by `cargo xtask types --bless` of the comments in the engine's modules: change them, and never this.

/**
 * A number of the engine's `MediaType`.
 */
export type MediaTypeValue = 0 | 1 | 2 | 3 | 4;
/**
 * One published media of a user.
 */
export type Media = {
    userId: string;
    mediaType: MediaTypeValue;
    mediaId: string;
};
/**
 * A media that flows. The sound and first camera of a user share their `streamId`. A white board comes when all that is
 * on it is here, with its name and pages; `curPage` counts from 0.
 */
export type RemoteMedia = Media & {
    streamId: string;
    mediaName?: string;
    totalPage?: number;
    curPage?: number;
};
export type LoginOptions = {
    /**
     * the App ID
     */
    appId: string;
    /**
     * a token of the App
     */
    token: string;
    /**
     * 1 to 128 of letters, digits, `_` and `-`
     */
    userId: string;
    /**
     * the organisation inside the App that bounds presence; default: `""`
     */
    companyId?: string | undefined;
    /**
     * the class of this terminal; default: `"web"`
     */
    mutexType?: string | undefined;
    /**
     * whether an earlier login of the same user and terminal gives way; default: false,
     * this one is refused
     */
    forceLogin?: boolean | undefined;
    /**
     * a free text for others, such as a nickname
     */
    extendInfo?: string | undefined;
    /**
     * the address of Access, as `init` takes it; default: the one of `init`
     */
    accessUrl?: string | null | undefined;
};
/**
 * Size and pace of a published picture. Default: 640×480 at 15 for cameras, 1920×1080 at 15 for the screen.
 */
export type PictureOptions = {
    width?: number | undefined;
    height?: number | undefined;
    /**
     * frames a second
     */
    frameRate?: number | undefined;
    /**
     * in kbit/s; 0 takes the platform's value for size and pace
     */
    bitRate?: number | undefined;
    /**
     * `VP8`, `H264`, `VP9` or `AV1`; default: `VP8`, which is also sent where the browser or an
     * encrypted group cannot do otherwise
     */
    codec?: string | undefined;
};
/**
 * How much a received picture matters beside the others, where the network does not carry all of them. Default: `high` for
 * a shared screen, `normal` for cameras.
 */
export type Priority = "low" | "normal" | "high";
export type Device = {
    devName: string;
    devId: string;
};
export type Devices = {
    /**
     * microphones
     */
    micDevs: Device[];
    /**
     * speakers
     */
    spkDevs: Device[];
    /**
     * cameras
     */
    camDevs: Device[];
};
/**
 * Why a media is not better than it is: `muted` when it is silenced at the server, `view` when it is shown small or hidden;
 * `none` when nothing holds it back. `paused`, when nothing of it is sent, is told by the server's figures only.
 */
export type Limit = "none" | "cpu" | "bandwidth" | "view" | "paused" | "muted";
/**
 * How good a media is: a score from 1.0, bad, to 5.0, excellent (4.4 is the best of a sound), and what costs the most.
 */
export type Quality = {
    score: number;
    reason: "none" | "loss" | "delay" | "jitter" | "freezes" | "bandwidth" | "frame_rate" | "view" | "cpu";
};
/**
 * The figures of any media. Rates run over the interval between two questions, a second at least; what is counted is counted
 * since the media has its line to the server.
 */
export type MediaStats = {
    /**
     * in kbit/s
     */
    bitRate: number;
    /**
     * sent or received
     */
    packets: number;
    /**
     * of those that were sent: as the server tells
     */
    packetsLost: number;
    /**
     * the share of lost packets, from 0 to 1
     */
    lossRate: number;
    /**
     * how unevenly packets arrive
     */
    jitterMs: number;
    /**
     * to the server and back; null while it is not known
     */
    roundTripMs: number | null;
    limitedBy: Limit;
    /**
     * null while nothing flows
     */
    quality: Quality | null;
};
/**
 * `volume` is from 0 to 100
 */
export type SoundStats = MediaStats & {
    volume: number;
};
/**
 * How loud a sound is at present.
 */
export type AudioLevel = {
    userId: string;
    mediaId: string;
    /**
     * from 0 to 100
     */
    volume: number;
};
/**
 * The figures of a camera or screen.
 */
export type Picture = {
    width: number;
    height: number;
    /**
     * frames a second
     */
    frameRate: number;
    /**
     * how often a received picture stood still
     */
    freezeCount: number;
    /**
     * for how long, all together
     */
    freezeMs: number;
    /**
     * of encodings that are sent side by side, the name of the largest one that is sent
     */
    layer: string | null;
};
export type PictureStats = MediaStats & Picture;
/**
 * What `getStats` gives; of the kind that the media is not, all is 0. Bit rates are in kbit/s.
 */
export type StreamStats = {
    audio: {
        bitRate: number;
        totalBytes: number;
    };
    video: {
        bitRate: number;
        totalBytes: number;
        frameRate: number;
        width: number;
        height: number;
    };
};
/**
 * One terminal by which a user is online.
 */
export type OnlineInfo = {
    /**
     * the class of the terminal
     */
    mutexType: string;
    /**
     * the text that it has set with `setCustomState`
     */
    customState: string;
    /**
     * 1 online, 0 gone
     */
    state: 0 | 1;
    /**
     * the text of its login
     */
    extendInfo: string;
};
/**
 * Some of the users online in the App and company, oneself included.
 */
export type OnlinePage = {
    /**
     * `curPage` counts from 1
     */
    pageInfo: {
        totalPages: number;
        curPage: number;
    };
    userInfo: {
        userId: string;
        onlineInfo: OnlineInfo[];
    }[];
};
/**
 * A message to the group.
 */
export type GroupMessage = {
    srcUserId: string;
    groupId: string;
    msg: any;
    /**
     * the message's number in the group: 1 for the first
     */
    msgId: number;
};
/**
 * Users by their ids, as texts or as objects; at most 128.
 */
export type Callees = (string | {
    userId: string;
})[];
/**
 * What a failed promise carries: a number of the platform, and a message that says what to do. `serverCode` is the
 * number that the server sent, such as 1000008, undefined when the server was not asked; `retryAfter` for how many ms
 * the server wants to be left alone, undefined when it did not say.
 */
export type HstRtcError = Error & {
    readonly code: number;
    readonly serverCode?: number;
    readonly retryAfter?: number;
};
/**
 * What `onError` tells.
 */
export type Trouble = {
    code: number;
    message: string;
    /**
     * the number that the server sent
     */
    serverCode?: number | undefined;
};
/**
 * Somebody's invite. `seqId` is the server's number, which `replyInvite` names; `userName` the inviter's `extendInfo`.
 */
export type Invite = {
    seqId: number;
    groupId: string;
    userId: string;
    userName: string;
    extendInfo: any;
};
/**
 * What became of one's own invite: 0 accepted, 1 rejected, 2 not answered in time, 3 not online. `seqId` is one's own
 * number.
 */
export type InviteReply = {
    seqId: number;
    userId: string;
    result: 0 | 1 | 2 | 3;
    extendInfo: any;
};
/**
 * A call that comes in, which `replyCall` answers. `seqId` and `extendInfo` are the caller's.
 */
export type Call = {
    seqId: number;
    callId: string;
    groupId: string;
    callerId: string;
    extendInfo: any;
};
/**
 * What became of a call, told to its caller: 0 accepted, 1 rejected, 2 not answered in time, 3 cancelled, 4 finished by
 * the caller, 5 finished by the callee, 99 failed.
 */
export type CallResult = {
    callId: string;
    result: 0 | 1 | 2 | 3 | 4 | 5 | 99;
};
/**
 * A white board to be made.
 */
export type BoardOptions = {
    board_name?: string | undefined;
    /**
     * in pixels of its own; default: 1280
     */
    width?: number | undefined;
    /**
     * default: 768
     */
    height?: number | undefined;
    /**
     * the addresses of the pictures behind its pages, one for each; `""` is a blank one.
     * Default: one blank page
     */
    images?: string[] | undefined;
    /**
     * in place of `images`: the address of a converted document, with `{page}` where
     * the number of a page stands, from 1
     */
    convert_file_path?: string | undefined;
    /**
     * how many pages that has
     */
    page?: number | undefined;
};
/**
 * What the hand does on a white board: `gmov` moves a figure.
 */
export type BoardTool = "gmov" | "eraser" | "curve" | "line" | "rect" | "ellipse" | "text";
/**
 * A white board to draw on. What is done is shown to everybody who receives the board, in one order for all. Without an
 * argument a method only tells what is set.
 */
export type WhiteBoard = {
    /**
     * whether a pointer draws on it here; not where the
     * token gives no right to publish boards
     */
    edit: {
        (): boolean;
        (on: boolean): Promise<boolean>;
    };
    /**
     * default: `curve`
     */
    toolType: (name?: BoardTool) => BoardTool;
    /**
     * in pixels of the board; default: 2
     */
    brushSize: (size?: number | string) => number;
    /**
     * as `#rrggbb`
     */
    brushColor: (color?: string) => string;
    /**
     * undoes what one did last on the page: drawing, moving, erasing or clearing
     */
    revoke: () => void;
    /**
     * undoes the last `revoke`, until something new is done on the page
     */
    restore: () => void;
    /**
     * erases the page, for everybody
     */
    clear: () => void;
    /**
     * the page that is turned to, from 0; with a number, turns to that
     * one for everybody
     */
    page: (number?: number | string) => number;
    pageCount: () => number;
    /**
     * behind the last one, blank or with a picture behind it
     */
    addPage: (image?: string) => void;
};
/**
 * Whether what arrives of a media can be decrypted; what cannot is not shown.
 */
export type MediaDecryption = Media & {
    decrypted: boolean;
};
/**
 * The names of events and what their subscribers get.
 */
export type Events = {
    /**
     * the other members at the moment of joining, of a large group
     * the first of them by name; comes once, before the other events of the group
     */
    onGroupUserList: (userIds: string[]) => void;
    /**
     * in a large group: how many members
     * it has, oneself included. Not `complete` means that not all who came and went were told one by one:
     * `getGroupUsers` knows who is there
     */
    onGroupUserCount: (count: {
        total: number;
        complete: boolean;
    }) => void;
    onUserJoinGroup: (userId: string) => void;
    onUserLeaveGroup: (userId: string) => void;
    /**
     * a media is there; told also for those that
     * were there before. A white board is told of to its publisher too
     */
    onPublishMedia: (media: Media & {
        mediaName: string;
    }) => void;
    onUnPublishMedia: (media: Media & {
        mediaName: string;
    }) => void;
    /**
     * a media that is received flows: time to show it
     */
    onRemoteMediaAdd: (media: RemoteMedia) => void;
    /**
     * in an encrypted group: for the first frame of a media
     * that is received, and at each change
     */
    onMediaDecryption: (told: MediaDecryption) => void;
    /**
     * where members exchange keys: all see the same 60
     * digits, if nobody stands between them; told again when somebody comes or goes
     */
    onSafetyNumber: (told: {
        safetyNumber: string;
    }) => void;
    /**
     * somebody, maybe oneself,
     * has turned a white board that is received to another page, from 0
     */
    onWhiteBoardCurPageChanged: (change: {
        mediaId: string;
        curPage: number;
    }) => void;
    /**
     * silenced at the server, or heard again; one's
     * own media too
     */
    onMediaMuted: (media: Media & {
        muted: boolean;
    }) => void;
    /**
     * one's own network does not carry even the smallest
     * picture of a media that is received, so it is paused; or it does again
     */
    onMediaPaused: (media: Media & {
        paused: boolean;
    }) => void;
    /**
     * how loud everybody is who is received, oneself included, the
     * loudest first; about 5 times a second while there is any sound, and once with nothing when there is none left
     */
    onAudioLevels: (levels: AudioLevel[]) => void;
    /**
     * somebody else speaks than before; null when
     * nobody has for some seconds. A cough takes nobody's turn, and a short pause ends none
     */
    onActiveSpeaker: (speaker: {
        userId: string | null;
    }) => void;
    /**
     * the group takes no newcomers, or takes them again
     */
    onGroupLocked: (state: {
        locked: boolean;
    }) => void;
    onRecvGroupMsg: (message: GroupMessage) => void;
    /**
     * out of the group without having asked for
     * it, such as 1000104 by who administers. The login goes on
     */
    onGroupRemoved: (why: {
        code: number;
        message: string;
    }) => void;
    onRecvUserMsg: (message: {
        srcUserId: string;
        msg: any;
        msgId: number;
    }) => void;
    /**
     * the application's own server has written to this terminal
     */
    onServerMessage: (message: {
        msg: any;
    }) => void;
    /**
     * somebody has come online by a class of
     * terminal, has set another text there, or has gone. Comes after `getOnlineUsers` was called, for each change once
     * and never for oneself
     */
    onOnlineUserState: (change: OnlineInfo & {
        userId: string;
    }) => void;
    onCommingInvite: (invite: Invite) => void;
    onInviteReply: (reply: InviteReply) => void;
    /**
     *   stop ringing
     */
    onInviteEnded: (end: {
        seqId: number;
        reason: "answered_elsewhere" | "cancelled" | "timed_out";
    }) => void;
    onIncommingCall: (call: Call) => void;
    /**
     * a call that came in rings no more: cancelled, too late, or
     * answered on another terminal
     */
    onCancelCall: (call: {
        callId: string;
    }) => void;
    /**
     * the caller has finished a call that was accepted here
     */
    onFinishCall: (call: {
        callId: string;
    }) => void;
    /**
     * the callee has finished a call that was made here
     */
    onCallFinished: (call: {
        callId: string;
    }) => void;
    /**
     * a call is over, whatever ended it; comes last
     */
    onCallRelease: (call: {
        callId: string;
    }) => void;
    onCallResult: (call: CallResult) => void;
    /**
     * a device was plugged in or pulled out: what there is now. The
     * user is asked for nothing
     */
    onDeviceChange: (devices: Devices) => void;
    /**
     * the screen share ended, or did not begin, by the user's choice in the
     * browser
     */
    onScreenShareStopped: () => void;
    /**
     * the connection is lost, and the engine is trying to come back. Calls wait
     * meanwhile
     */
    onReconnecting: () => void;
    /**
     * the connection is back; what has happened meanwhile follows as ordinary events
     */
    onReconnected: () => void;
    /**
     * after a reconnection: messages and invites
     * may be missing, because the server could not keep them all (`missed`), or had given the session up and the engine
     * has logged in anew (`login`). What has changed in the group and in who is online follows as ordinary events, and
     * everything that was published and received goes on
     */
    onDiscontinuity: (what: {
        reason: "missed" | "login";
    }) => void;
    /**
     * the token ends soon, and the login with it: call
     * `renewToken`
     */
    onTokenExpiring: (what: {
        seconds: number;
    }) => void;
    /**
     * somebody else logged in as this user
     */
    onUserForceLogout: () => void;
    /**
     * who administers has ended the login
     */
    onKickOut: () => void;
    /**
     * the login has ended without having been
     * asked to; the engine is initialised and logged out
     */
    onWebSocketClosed: (why: {
        code: number;
        message: string;
    }) => void;
    /**
     * a call whose promise may be ignored has failed, or the engine has met a
     * trouble by itself
     */
    onError: (error: Trouble) => void;
};

/** The part of the engine that needs no media: messages, who is there, invites, and who administers. */
declare class Talk {
    /**
     * Writes to a user of the App who is online, in whatever group.
     * @param {{ dstUserId: string, msg: unknown }} message `msg` is any JSON value of at most 8 KiB, where the App does
     *   not say otherwise
     */
    sendUserMsg(message: {
        dstUserId: string;
        msg: unknown;
    }): Promise<void>;
    /**
     * Writes to everybody else in the group, who all get it in the same order.
     * @param {{ groupId?: string, msg: unknown, lossy?: boolean }} message `lossy` leaves it out where somebody is slow
     *   or away, such as the position of a pointer
     */
    sendGroupMsg(message: {
        groupId?: string;
        msg: unknown;
        lossy?: boolean;
    }): Promise<void>;
    /**
     * @param {{ groupId?: string, whiteList: string[], msg: unknown, lossy?: boolean }} message `whiteList` names at most 128
     *   users: only they get it
     */
    sendGroupMsgWithWhiteList(message: {
        groupId?: string;
        whiteList: string[];
        msg: unknown;
        lossy?: boolean;
    }): Promise<void>;
    /**
     * @param {{ groupId?: string, blackList: string[], msg: unknown, lossy?: boolean }} message `blackList` names at most 128
     *   users: all others get it
     */
    sendGroupMsgWithBlackList(message: {
        groupId?: string;
        blackList: string[];
        msg: unknown;
        lossy?: boolean;
    }): Promise<void>;
    /**
     * Earlier messages of the group, where it keeps any, in their order.
     * @param {{ before?: number, limit?: number }} [options] the latest, or those before a `msgId`; at most 500
     * @returns {Promise<GroupMessage[]>}
     */
    getGroupHistory(options?: {
        before?: number;
        limit?: number;
    }): Promise<GroupMessage[]>;
    /**
     * Who is in the group, by name, oneself left out.
     * @param {{ after?: string, limit?: number }} [options] only those behind a name; at most 500
     * @returns {Promise<{ userIds: string[], total: number, more: boolean }>}
     */
    getGroupUsers(options?: {
        after?: string;
        limit?: number;
    }): Promise<{
        userIds: string[];
        total: number;
        more: boolean;
    }>;
    /**
     * Who is online, and from then on each change as `onOnlineUserState`. The first page is the result; users of further
     * pages come as events too, so that everybody is told of once.
     * @overload
     * @returns {Promise<OnlinePage>}
     */
    getOnlineUsers(): Promise<OnlinePage>;
    /**
     * The same, with all pages for the callback; the promise settles behind the last one, and may be ignored.
     * @overload
     * @param {(page: OnlinePage) => void} callback
     * @returns {Promise<void>}
     */
    getOnlineUsers(callback: (page: OnlinePage) => void): Promise<void>;
    /**
     * Sets the text that others see beside this terminal; at most 1 KiB.
     * @param {string} customState
     */
    setCustomState(customState: string): Promise<void>;
    /**
     * @param {{ seqId: number, groupId: string, calleeInfo: Callees, extendInfo?: unknown }} options `seqId` is one's own
     *   number for it, which the answers name
     */
    invite(options: {
        seqId: number;
        groupId: string;
        calleeInfo: Callees;
        extendInfo?: unknown;
    }): Promise<void>;
    /**
     * @param {{ seqId: number, groupId?: string, operation: 0 | 1, extendInfo?: unknown }} options `seqId` as in
     *   `onCommingInvite`; `operation` is 0 to accept and 1 to reject
     */
    replyInvite(options: {
        seqId: number;
        groupId?: string;
        operation: 0 | 1;
        extendInfo?: unknown;
    }): Promise<void>;
    /**
     * @param {{ seqId: number, groupId?: string, calleeInfo?: Callees }} options without `calleeInfo`, all who have not
     *   answered
     */
    cancelInvite(options: {
        seqId: number;
        groupId?: string;
        calleeInfo?: Callees;
    }): Promise<void>;
    /**
     * Removes a member from the group, for who may administer.
     * @param {{ userId: string, banSeconds?: number }} options for `banSeconds` he may not come back
     */
    kickUser(options: {
        userId: string;
        banSeconds?: number;
    }): Promise<void>;
    /**
     * Silences a media at the server or lets it be heard again, for who may administer.
     * @param {Media & { muted: boolean }} options
     */
    muteMedia(options: Media & {
        muted: boolean;
    }): Promise<void>;
    /**
     * Closes the group to newcomers or opens it, for who may administer.
     * @param {boolean} locked
     */
    lockGroup(locked: boolean): Promise<void>;
    #private;
}

/**
 * The engine of one user. The order of calls: `init`, `login`, `joinGroup`, media and messages, `leaveGroup`, `exit`,
 * `destroy`. Applications get it with the calls of `extras.js` and `classic.js`.
 *
 * No method throws: all but `destroy` and those of events return a promise, which fails with an `HstRtcError`. Where
 * applications are used to calls without a result, the promise may be ignored and the failure comes as `onError` too.
 */
declare class Engine extends Talk {
    /** The numbers of what a media carries. */
    get MediaType(): Readonly<{
        SCREEN_SHARE: 0;
        AUDIO: 1;
        VIDEO: 2;
        TRANSPARENT_DATA: 3;
        WHITE_BOARD: 4;
    }>;
    /** Whether a user is online. */
    get OnlineType(): Readonly<{
        OFFLINE: 0;
        ONLINE: 1;
    }>;
    /** How a white board fits its element. */
    get DisplayMode(): Readonly<{
        DBWZ: 1;
        DBSY: 2;
        DBSF: 3;
    }>;
    /**
     * Asks the Access service for the addresses of all others.
     * @param {string | null} [accessUrl] a base URL, its `/server/address`, or `host:port`; without it, the origin that
     *   served this script. Without one it is no failure when there is no Access service: `login` may name another one
     */
    init(accessUrl?: string | null): Promise<void>;
    /** @param {LoginOptions} options */
    login(options: LoginOptions): Promise<void>;
    /**
     * Connects for the media of the group that is joined next, so that they flow a round trip sooner then. Nothing is carried
     * before, and nobody is told; joining another group takes it back. The promise does not wait for the connection: where
     * none comes about, joining is as it is without.
     * @param {string} groupId
     */
    prepareGroup(groupId: string): Promise<void>;
    /** @param {string} groupId 1 to 128 of letters, digits, `_` and `-` */
    joinGroup(groupId: string): Promise<void>;
    /**
     * Everything published and received ends with this call, and no event of the group comes after it; the promise waits
     * for the server's word.
     */
    leaveGroup(): Promise<void>;
    /**
     * Leaves the group too. Everything ends with this call; the promise waits up to 3 s for the server's word, and does
     * not fail without it.
     */
    exit(): Promise<void>;
    /** The same as `exit`. */
    logout(): Promise<void>;
    /** Leaves, exits and forgets the addresses; subscriptions stay, and `init` begins anew. */
    destroy(): void;
    /**
     * Shows a newer token, so that the login outlives the one that it began with.
     * @param {string} token
     */
    renewToken(token: string): Promise<void>;
    /**
     * Events that nobody has subscribed to yet wait for their first subscriber.
     * @template {keyof Events} Name
     * @overload
     * @param {Name} name
     * @param {Events[Name]} callback
     * @param {unknown} [context] what the callback sees as `this`
     * @returns {void}
     */
    subEvent<Name extends keyof Events>(name: Name, callback: Events[Name], context?: unknown): void;
    /**
     * @overload
     * @param {string} name
     * @param {(...payload: any[]) => void} callback
     * @param {unknown} [context]
     * @returns {void}
     */
    subEvent(name: string, callback: (...payload: any[]) => void, context?: unknown): void;
    /**
     * The same as `subEvent`.
     * @template {keyof Events} Name
     * @overload
     * @param {Name} name
     * @param {Events[Name]} callback
     * @param {unknown} [context] what the callback sees as `this`
     * @returns {void}
     */
    on<Name extends keyof Events>(name: Name, callback: Events[Name], context?: unknown): void;
    /**
     * @overload
     * @param {string} name
     * @param {(...payload: any[]) => void} callback
     * @param {unknown} [context]
     * @returns {void}
     */
    on(name: string, callback: (...payload: any[]) => void, context?: unknown): void;
    /**
     * Without a callback all subscriptions of that name end, without a name all.
     * @param {string | null} [name]
     * @param {((...payload: any[]) => void) | null} [callback]
     * @param {unknown} [context]
     */
    unsubEvent(name?: string | null, callback?: ((...payload: any[]) => void) | null, context?: unknown): void;
    /**
     * Publishes the microphone (its media ID is always `appdef_mic`), a camera, or the screen (always `0`). Call it for
     * the screen inside a click.
     * @param {MediaTypeValue} mediaType
     * @param {string | null} [mediaId] the device
     * @param {PictureOptions | null} [options] of a camera or screen
     * @returns {Promise<void>} may be ignored: a failure comes as `onError` too
     */
    startPublishMedia(mediaType: MediaTypeValue, mediaId?: string | null, options?: PictureOptions | null): Promise<void>;
    /**
     * @param {MediaTypeValue} mediaType
     * @param {string | null} [mediaId] the device; without it all media of that type stop
     */
    stopPublishMedia(mediaType: MediaTypeValue, mediaId?: string | null): Promise<void>;
    /**
     * Resolves when the server has agreed; `onRemoteMediaAdd` tells when the media flows.
     * @param {string} userId
     * @param {MediaTypeValue} mediaType
     * @param {string} mediaId
     */
    startReceiveMedia(userId: string, mediaType: MediaTypeValue, mediaId: string): Promise<void>;
    /**
     * Never fails: what is not received is no fault, at any time.
     * @param {string} userId
     * @param {MediaTypeValue} mediaType
     * @param {string} mediaId
     * @returns {Promise<void>}
     */
    stopReceiveMedia(userId: string, mediaType: MediaTypeValue, mediaId: string): Promise<void>;
    /**
     * Shows a media in an element, now or when it comes; with the own User ID as a preview. The sound of a user plays in
     * the element set for it, or else in one that shows the user.
     * @param {string | null} userId of a white board it does not matter
     * @param {MediaTypeValue} mediaType
     * @param {string | null} mediaId
     * @param {HTMLElement} element a `<video>` or `<audio>`; of a white board a `<div>`
     * @param {PictureOptions | null} [options] of a preview
     */
    setMediaRender(userId: string | null, mediaType: MediaTypeValue, mediaId: string | null, element: HTMLElement, options?: PictureOptions | null): Promise<void>;
    /**
     * Empties an element, whatever it shows.
     * @param {string | null} _userId
     * @param {MediaTypeValue} mediaType
     * @param {any} element of a white board its media ID
     */
    unsetMediaRender(_userId: string | null, mediaType: MediaTypeValue, element: any): Promise<void>;
    /**
     * Asks the user for permission when needed. Where a page may use no devices, the lists are empty.
     * @returns {Promise<Devices>}
     */
    getMediaDevices(): Promise<Devices>;
    /**
     * Where everything plays from now on, also in elements to come.
     * @param {string | null} [deviceId] without it, where the browser likes
     */
    chooseSpkDevice(deviceId?: string | null): void;
    /**
     * Puts another microphone or camera behind a media that is published, without anybody else noticing more than another
     * voice or picture.
     * @param {MediaTypeValue} mediaType
     * @param {string | null} mediaId
     * @param {string} deviceId
     */
    switchDevice(mediaType: MediaTypeValue, mediaId: string | null, deviceId: string): Promise<void>;
    /**
     * Tells the figures of a media at an interval until it ends; waits for it when it does not flow yet.
     * @template {MediaTypeValue} Kind
     * @template [Data=undefined]
     * @param {{ userId: string, mediaType: Kind, mediaId: string | null }} media
     * @param {(stats: Kind extends 1 ? SoundStats : PictureStats, userData: Data) => void} callback
     * @param {number} [interval] in ms
     * @param {Data} [userData] handed to the callback
     */
    getStreamStats<Kind extends MediaTypeValue, Data = undefined>(media: {
        userId: string;
        mediaType: Kind;
        mediaId: string | null;
    }, callback: (stats: Kind extends 1 ? SoundStats : PictureStats, userData: Data) => void, interval?: number, userData?: Data): Promise<void>;
    #private;
}

/**
 * The engine with what the platform's has beyond its handbook: priorities, white boards, altered voices, encryption, calls
 * and uploads.
 */
declare class Extras extends Engine {
    /**
     * Says how much a picture matters to oneself where the network does not carry all of them: of those that matter most the
     * layers come first. It holds until the group is left, also when the picture is received later or anew.
     * @param {string} userId
     * @param {MediaTypeValue} mediaType a camera or a shared screen: sound always comes first
     * @param {string} mediaId
     * @param {Priority} priority default: `high` for a shared screen, `normal` for cameras
     * @returns {Promise<void>}
     */
    setReceivePriority(userId: string, mediaType: MediaTypeValue, mediaId: string, priority: Priority): Promise<void>;
    /**
     * Makes a white board in the group; `startPublishMedia` then shows it to everybody.
     * @param {BoardOptions} [options]
     * @returns {Promise<string>} its media ID
     */
    createWhiteBoard(options?: BoardOptions): Promise<string>;
    /**
     * What to draw with, from the board's `onRemoteMediaAdd` on; null before and after.
     * @param {string | null} [mediaId]
     * @returns {WhiteBoard | null}
     */
    getWhiteBoard(mediaId?: string | null): WhiteBoard | null;
    /**
     * Ends a white board for everybody.
     * @param {string | null} [mediaId] without it nothing happens
     * @returns {Promise<void>}
     */
    closeWhiteBoard(mediaId?: string | null): Promise<void>;
    /**
     * How white boards fit their elements, now and from now on. It may be chosen at any time.
     * @param {string | null | undefined} mediaId without it, all of them
     * @param {number | string} mode of `DisplayMode`; any other is 1
     * @param {number | string} [param] the percentage of `DBSF`
     */
    setWhiteBoardDisplayMode(mediaId: string | null | undefined, mode: number | string, param?: number | string): void;
    /**
     * Sends the altered voice beside the original, also while it is published: each receiver hears one of them.
     * @param {boolean} isOn default: false
     * @param {{ only?: boolean }} [options] with `only` the original is not sent: nobody can listen behind the altered one
     */
    setMagicAudioSwitch(isOn: boolean, options?: {
        only?: boolean;
    }): void;
    /** @param {number} semitones up to 12 up, or down below 0; 0 alters nothing */
    setSendMagicAudioValue(semitones: number): void;
    /**
     * Which voice of others is heard, now and from now on.
     * @param {number | string} mode 0 the altered one of those who alter theirs; 1 the original only; 2 the altered only:
     *   who does not alter his voice is not heard
     */
    setRecvMagicAudioMode(mode: number | string): void;
    /**
     * Encrypts all media of the groups that are joined from now on from end to end, or puts the next key to use in such a
     * group; a few keys before it stay for frames that come late. How members get the key is the application's affair.
     * Instead of one, members may make their keys and exchange them by themselves: then each has one of his own, and another
     * one whenever somebody comes or goes.
     * @param {{ key: string | ArrayBuffer | ArrayBufferView, keyId?: number } | { exchange: true } | null} key a passphrase,
     *   or at least 16 random bytes. All members use one number for a key, from 0 to 255; default: the next one. Null ends
     *   encryption for groups that are joined later
     * @returns {Promise<void>}
     */
    setEncryptionKey(key: {
        key: string | ArrayBuffer | ArrayBufferView;
        keyId?: number;
    } | {
        exchange: true;
    } | null): Promise<void>;
    /**
     * Goes on to the key that everybody makes of the present one; the others follow by themselves. Whoever is given the new
     * key cannot decrypt what was sent before.
     * @returns {Promise<{ keyId: number }>}
     */
    ratchetEncryptionKey(): Promise<{
        keyId: number;
    }>;
    /**
     * Calls a user who is online; resolves when it rings, and `onCallResult` tells the rest. The ID of a call is made of
     * letters, digits and `-`.
     * @param {{ seqId?: number, groupId: string, calleeType: number, calleeId: string, extendInfo?: unknown }} options
     *   `calleeType` is 4; the telephone and other kinds fail with code 302
     * @returns {Promise<{ callId: string }>}
     */
    makeCall(options: {
        seqId?: number;
        groupId: string;
        calleeType: number;
        calleeId: string;
        extendInfo?: unknown;
    }): Promise<{
        callId: string;
    }>;
    /**
     * @param {{ seqId?: number, callId?: string, groupId?: string, result: 0 | 1 }} options `result` is 0 to accept and 1
     *   to reject; without a `callId`, the call that came last
     */
    replyCall(options: {
        seqId?: number;
        callId?: string;
        groupId?: string;
        result: 0 | 1;
    }): void;
    /**
     * Ends a call that rings or goes on, from either end. What is over is no fault.
     * @param {string} callId
     * @returns {Promise<void>}
     */
    cancelCall(callId: string): Promise<void>;
    /**
     * The same as `cancelCall`.
     * @param {string} callId
     * @returns {Promise<void>}
     */
    finishCall(callId: string): Promise<void>;
    /**
     * Not available: calls `onFailed` with code 302.
     * @param {{ onFailed?: (why: { code: number, message: string }) => void, [name: string]: unknown }} options
     */
    startUpload(options: {
        onFailed?: (why: {
            code: number;
            message: string;
        }) => void;
        [name: string]: unknown;
    }): void;
    #private;
}

/**
 * The engine as applications get it: beside the one set of calls for all media, the older set with calls for each kind
 * of them. The older ones return nothing where the platform says so; what fails then comes as `onError`.
 */
export class HstRtcEngine extends Extras {
    constructor();
    /** @param {string | null} deviceId what `startPublishAudio` publishes without a device */
    chooseMicDevice(deviceId: string | null): void;
    /** @param {string | null} [deviceId] */
    startPublishAudio(deviceId?: string | null): void;
    stopPublishAudio(): void;
    /**
     * @param {string | null} [deviceId]
     * @param {PictureOptions | null} [options]
     */
    startPublishVideo(deviceId?: string | null, options?: PictureOptions | null): void;
    /** @param {string | null} [deviceId] without it, all cameras */
    stopPublishVideo(deviceId?: string | null): void;
    /** @param {PictureOptions | null} [options] */
    startScreenShare(options?: PictureOptions | null): void;
    stopScreenShare(): void;
    /**
     * @param {string} userId
     * @param {string} mediaId
     */
    startReceiveRemoteAudio(userId: string, mediaId: string): Promise<void>;
    /**
     * @param {string} userId
     * @param {string} mediaId
     */
    stopReceiveRemoteAudio(userId: string, mediaId: string): Promise<void>;
    /**
     * @param {string} userId
     * @param {string} mediaId
     */
    startReceiveRemoteVideo(userId: string, mediaId: string): Promise<void>;
    /**
     * @param {string} userId
     * @param {string} mediaId
     */
    stopReceiveRemoteVideo(userId: string, mediaId: string): Promise<void>;
    /**
     * @param {string} userId
     * @param {string} mediaId
     */
    startReceiveScreenShare(userId: string, mediaId: string): Promise<void>;
    /**
     * @param {string} userId
     * @param {string} mediaId
     */
    stopReceiveScreenShare(userId: string, mediaId: string): Promise<void>;
    /**
     * Shows one's own camera.
     * @param {HTMLMediaElement} element
     * @param {string | null} [deviceId]
     */
    setLocalVideoRender(element: HTMLMediaElement, deviceId?: string | null): void;
    /** @param {HTMLMediaElement} element */
    unsetLocalVideoRender(element: HTMLMediaElement): void;
    /** @param {HTMLMediaElement} element */
    setLocalScreenShareRender(element: HTMLMediaElement): void;
    /**
     * @param {HTMLMediaElement} element
     * @param {string} userId
     * @param {string} mediaId
     */
    setRemoteScreenShareRender(element: HTMLMediaElement, userId: string, mediaId: string): void;
    /** @param {HTMLMediaElement} element of one's own screen or another's */
    unsetScreenShareRender(element: HTMLMediaElement): void;
    /**
     * The same under an earlier name.
     * @param {HTMLMediaElement} element of another's screen
     */
    unsetRemoteScreenShareRender(element: HTMLMediaElement): void;
    /**
     * Shows a stream as `onRemoteMediaAdd` names it; sound and picture of a user need it once, whichever comes first.
     * @param {HTMLMediaElement} element
     * @param {string} streamId
     */
    setStreamRender(element: HTMLMediaElement, streamId: string): void;
    /**
     * @param {HTMLMediaElement} element
     * @param {string} [_streamId]
     */
    unsetStreamRender(element: HTMLMediaElement, _streamId?: string): void;
    /**
     * Figures of a media as they were measured at most a second ago; null while there are none.
     * The first question begins the measuring.
     * @param {{ userId: string, mediaType: MediaTypeValue, mediaId: string | null }} media
     * @returns {StreamStats | null}
     */
    getStats(media: {
        userId: string;
        mediaType: MediaTypeValue;
        mediaId: string | null;
    }): StreamStats | null;
    #private;
}

export default HstRtcEngine;

declare global {
    interface Window {
        /** Defined by the classic script `hst-rtc-engine.js`. */
        HstRtcEngine: typeof HstRtcEngine;
    }
}
