/**
 * What applications give to the engine and get from it. Nothing of this is code: `cargo xtask types` makes the
 * declarations for TypeScript of it and of `engine.js`.
 */

/**
 * A number of the engine's `MediaType`.
 * @typedef {0 | 1 | 2 | 3 | 4} MediaTypeValue
 */

/**
 * One published media of a user.
 * @typedef {object} Media
 * @property {string} userId
 * @property {MediaTypeValue} mediaType
 * @property {string} mediaId
 */

/**
 * A media that flows. The sound and first camera of a user share their `streamId`. A white board comes when all that is
 * on it is here, with its name and pages; `curPage` counts from 0.
 * @typedef {Media & { streamId: string, mediaName?: string, totalPage?: number, curPage?: number }} RemoteMedia
 */

/**
 * @typedef {object} LoginOptions
 * @property {string} appId the App ID
 * @property {string} token a token of the App
 * @property {string} userId 1 to 128 of letters, digits, `_` and `-`
 * @property {string} [companyId] the organisation inside the App that bounds presence; default: `""`
 * @property {string} [mutexType] the class of this terminal; default: `"web"`
 * @property {boolean} [forceLogin] whether an earlier login of the same user and terminal gives way; default: false,
 *   this one is refused
 * @property {string} [extendInfo] a free text for others, such as a nickname
 * @property {string | null} [accessUrl] the address of Access, as `init` takes it; default: the one of `init`
 */

/**
 * Size and pace of a published picture. Default: 640×480 at 15 for cameras, 1920×1080 at 15 for the screen.
 * @typedef {object} PictureOptions
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [frameRate] frames a second
 * @property {number} [bitRate] in kbit/s; 0 takes the platform's value for size and pace
 * @property {string} [codec] `VP8`, `H264`, `VP9` or `AV1`; default: `VP8`, which is also sent where the browser or an
 *   encrypted group cannot do otherwise
 */

/**
 * How much a received picture matters beside the others, where the network does not carry all of them. Default: `high` for
 * a shared screen, `normal` for cameras.
 * @typedef {'low' | 'normal' | 'high'} Priority
 */

/**
 * @typedef {object} Device
 * @property {string} devName
 * @property {string} devId
 */

/**
 * @typedef {object} Devices
 * @property {Device[]} micDevs microphones
 * @property {Device[]} spkDevs speakers
 * @property {Device[]} camDevs cameras
 */

/**
 * Why a media is not better than it is: `muted` when it is silenced at the server, `view` when it is shown small or hidden;
 * `none` when nothing holds it back. `paused`, when nothing of it is sent, is told by the server's figures only.
 * @typedef {'none' | 'cpu' | 'bandwidth' | 'view' | 'paused' | 'muted'} Limit
 */

/**
 * How good a media is: a score from 1.0, bad, to 5.0, excellent (4.4 is the best of a sound), and what costs the most.
 * @typedef {object} Quality
 * @property {number} score
 * @property {'none' | 'loss' | 'delay' | 'jitter' | 'freezes' | 'bandwidth' | 'frame_rate' | 'view' | 'cpu'} reason
 */

/**
 * The figures of any media. Rates run over the interval between two questions, a second at least; what is counted is counted
 * since the media has its line to the server.
 * @typedef {object} MediaStats
 * @property {number} bitRate in kbit/s
 * @property {number} packets sent or received
 * @property {number} packetsLost of those that were sent: as the server tells
 * @property {number} lossRate the share of lost packets, from 0 to 1
 * @property {number} jitterMs how unevenly packets arrive
 * @property {number | null} roundTripMs to the server and back; null while it is not known
 * @property {Limit} limitedBy
 * @property {Quality | null} quality null while nothing flows
 */

/**
 * The figures of a sound.
 * @typedef {MediaStats & { volume: number }} SoundStats `volume` is from 0 to 100
 */

/**
 * How loud a sound is at present.
 * @typedef {object} AudioLevel
 * @property {string} userId
 * @property {string} mediaId
 * @property {number} volume from 0 to 100
 */

/**
 * The figures of a camera or screen.
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {number} frameRate frames a second
 * @property {number} freezeCount how often a received picture stood still
 * @property {number} freezeMs for how long, all together
 * @property {string | null} layer of encodings that are sent side by side, the name of the largest one that is sent
 */

/** @typedef {MediaStats & Picture} PictureStats */

/**
 * What `getStats` gives; of the kind that the media is not, all is 0. Bit rates are in kbit/s.
 * @typedef {object} StreamStats
 * @property {{ bitRate: number, totalBytes: number }} audio
 * @property {{ bitRate: number, totalBytes: number, frameRate: number, width: number, height: number }} video
 */

/**
 * One terminal by which a user is online.
 * @typedef {object} OnlineInfo
 * @property {string} mutexType the class of the terminal
 * @property {string} customState the text that it has set with `setCustomState`
 * @property {0 | 1} state 1 online, 0 gone
 * @property {string} extendInfo the text of its login
 */

/**
 * Some of the users online in the App and company, oneself included.
 * @typedef {object} OnlinePage
 * @property {{ totalPages: number, curPage: number }} pageInfo `curPage` counts from 1
 * @property {{ userId: string, onlineInfo: OnlineInfo[] }[]} userInfo
 */

/**
 * A message to the group.
 * @typedef {object} GroupMessage
 * @property {string} srcUserId
 * @property {string} groupId
 * @property {any} msg
 * @property {number} msgId the message's number in the group: 1 for the first
 */

/**
 * Users by their ids, as texts or as objects; at most 128.
 * @typedef {(string | { userId: string })[]} Callees
 */

/**
 * What a failed promise carries: a number of the platform, and a message that says what to do. `serverCode` is the
 * number that the server sent, such as 1000008, undefined when the server was not asked; `retryAfter` for how many ms
 * the server wants to be left alone, undefined when it did not say.
 * @typedef {Error & { readonly code: number, readonly serverCode?: number, readonly retryAfter?: number }} HstRtcError
 */

/**
 * What `onError` tells.
 * @typedef {object} Trouble
 * @property {number} code
 * @property {string} message
 * @property {number} [serverCode] the number that the server sent
 */

/**
 * Somebody's invite. `seqId` is the server's number, which `replyInvite` names; `userName` the inviter's `extendInfo`.
 * @typedef {object} Invite
 * @property {number} seqId
 * @property {string} groupId
 * @property {string} userId
 * @property {string} userName
 * @property {any} extendInfo
 */

/**
 * What became of one's own invite: 0 accepted, 1 rejected, 2 not answered in time, 3 not online. `seqId` is one's own
 * number.
 * @typedef {object} InviteReply
 * @property {number} seqId
 * @property {string} userId
 * @property {0 | 1 | 2 | 3} result
 * @property {any} extendInfo
 */

/**
 * A call that comes in, which `replyCall` answers. `seqId` and `extendInfo` are the caller's.
 * @typedef {object} Call
 * @property {number} seqId
 * @property {string} callId
 * @property {string} groupId
 * @property {string} callerId
 * @property {any} extendInfo
 */

/**
 * What became of a call, told to its caller: 0 accepted, 1 rejected, 2 not answered in time, 3 cancelled, 4 finished by
 * the caller, 5 finished by the callee, 99 failed.
 * @typedef {object} CallResult
 * @property {string} callId
 * @property {0 | 1 | 2 | 3 | 4 | 5 | 99} result
 */

/**
 * A white board to be made.
 * @typedef {object} BoardOptions
 * @property {string} [board_name]
 * @property {number} [width] in pixels of its own; default: 1280
 * @property {number} [height] default: 768
 * @property {string[]} [images] the addresses of the pictures behind its pages, one for each; `""` is a blank one.
 *   Default: one blank page
 * @property {string} [convert_file_path] in place of `images`: the address of a converted document, with `{page}` where
 *   the number of a page stands, from 1
 * @property {number} [page] how many pages that has
 */

/**
 * What the hand does on a white board: `gmov` moves a figure.
 * @typedef {'gmov' | 'eraser' | 'curve' | 'line' | 'rect' | 'ellipse' | 'text'} BoardTool
 */

/**
 * A white board to draw on. What is done is shown to everybody who receives the board, in one order for all. Without an
 * argument a method only tells what is set.
 * @typedef {object} WhiteBoard
 * @property {{ (): boolean, (on: boolean): Promise<boolean> }} edit whether a pointer draws on it here; not where the
 *   token gives no right to publish boards
 * @property {(name?: BoardTool) => BoardTool} toolType default: `curve`
 * @property {(size?: number | string) => number} brushSize in pixels of the board; default: 2
 * @property {(color?: string) => string} brushColor as `#rrggbb`
 * @property {() => void} revoke undoes what one did last on the page: drawing, moving, erasing or clearing
 * @property {() => void} restore undoes the last `revoke`, until something new is done on the page
 * @property {() => void} clear erases the page, for everybody
 * @property {(number?: number | string) => number} page the page that is turned to, from 0; with a number, turns to that
 *   one for everybody
 * @property {() => number} pageCount
 * @property {(image?: string) => void} addPage behind the last one, blank or with a picture behind it
 */

/**
 * Whether what arrives of a media can be decrypted; what cannot is not shown.
 * @typedef {Media & { decrypted: boolean }} MediaDecryption
 */

/**
 * The names of events and what their subscribers get.
 * @typedef {object} Events
 *
 * @property {(userIds: string[]) => void} onGroupUserList the other members at the moment of joining, of a large group
 *   the first of them by name; comes once, before the other events of the group
 * @property {(count: { total: number, complete: boolean }) => void} onGroupUserCount in a large group: how many members
 *   it has, oneself included. Not `complete` means that not all who came and went were told one by one:
 *   `getGroupUsers` knows who is there
 * @property {(userId: string) => void} onUserJoinGroup
 * @property {(userId: string) => void} onUserLeaveGroup
 * @property {(media: Media & { mediaName: string }) => void} onPublishMedia a media is there; told also for those that
 *   were there before. A white board is told of to its publisher too
 * @property {(media: Media & { mediaName: string }) => void} onUnPublishMedia
 * @property {(media: RemoteMedia) => void} onRemoteMediaAdd a media that is received flows: time to show it
 * @property {(told: MediaDecryption) => void} onMediaDecryption in an encrypted group: for the first frame of a media
 *   that is received, and at each change
 * @property {(told: { safetyNumber: string }) => void} onSafetyNumber where members exchange keys: all see the same 60
 *   digits, if nobody stands between them; told again when somebody comes or goes
 * @property {(change: { mediaId: string, curPage: number }) => void} onWhiteBoardCurPageChanged somebody, maybe oneself,
 *   has turned a white board that is received to another page, from 0
 * @property {(media: Media & { muted: boolean }) => void} onMediaMuted silenced at the server, or heard again; one's
 *   own media too
 * @property {(media: Media & { paused: boolean }) => void} onMediaPaused one's own network does not carry even the smallest
 *   picture of a media that is received, so it is paused; or it does again
 * @property {(levels: AudioLevel[]) => void} onAudioLevels how loud everybody is who is received, oneself included, the
 *   loudest first; about 5 times a second while there is any sound, and once with nothing when there is none left
 * @property {(speaker: { userId: string | null }) => void} onActiveSpeaker somebody else speaks than before; null when
 *   nobody has for some seconds. A cough takes nobody's turn, and a short pause ends none
 * @property {(state: { locked: boolean }) => void} onGroupLocked the group takes no newcomers, or takes them again
 * @property {(message: GroupMessage) => void} onRecvGroupMsg
 * @property {(why: { code: number, message: string }) => void} onGroupRemoved out of the group without having asked for
 *   it, such as 1000104 by who administers. The login goes on
 *
 * @property {(message: { srcUserId: string, msg: any, msgId: number }) => void} onRecvUserMsg
 * @property {(message: { msg: any }) => void} onServerMessage the application's own server has written to this terminal
 * @property {(change: OnlineInfo & { userId: string }) => void} onOnlineUserState somebody has come online by a class of
 *   terminal, has set another text there, or has gone. Comes after `getOnlineUsers` was called, for each change once
 *   and never for oneself
 * @property {(invite: Invite) => void} onCommingInvite
 * @property {(reply: InviteReply) => void} onInviteReply
 * @property {(end: { seqId: number, reason: 'answered_elsewhere' | 'cancelled' | 'timed_out' }) => void} onInviteEnded
 *   stop ringing
 *
 * @property {(call: Call) => void} onIncommingCall
 * @property {(call: { callId: string }) => void} onCancelCall a call that came in rings no more: cancelled, too late, or
 *   answered on another terminal
 * @property {(call: { callId: string }) => void} onFinishCall the caller has finished a call that was accepted here
 * @property {(call: { callId: string }) => void} onCallFinished the callee has finished a call that was made here
 * @property {(call: { callId: string }) => void} onCallRelease a call is over, whatever ended it; comes last
 * @property {(call: CallResult) => void} onCallResult
 *
 * @property {(devices: Devices) => void} onDeviceChange a device was plugged in or pulled out: what there is now. The
 *   user is asked for nothing
 * @property {() => void} onScreenShareStopped the screen share ended, or did not begin, by the user's choice in the
 *   browser
 * @property {() => void} onReconnecting the connection is lost, and the engine is trying to come back. Calls wait
 *   meanwhile
 * @property {() => void} onReconnected the connection is back; what has happened meanwhile follows as ordinary events
 * @property {(what: { reason: 'missed' | 'login' }) => void} onDiscontinuity after a reconnection: messages and invites
 *   may be missing, because the server could not keep them all (`missed`), or had given the session up and the engine
 *   has logged in anew (`login`). What has changed in the group and in who is online follows as ordinary events, and
 *   everything that was published and received goes on
 * @property {(what: { seconds: number }) => void} onTokenExpiring the token ends soon, and the login with it: call
 *   `renewToken`
 * @property {() => void} onUserForceLogout somebody else logged in as this user
 * @property {() => void} onKickOut who administers has ended the login
 * @property {(why: { code: number, message: string }) => void} onWebSocketClosed the login has ended without having been
 *   asked to; the engine is initialised and logged out
 * @property {(error: Trouble) => void} onError a call whose promise may be ignored has failed, or the engine has met a
 *   trouble by itself
 */
