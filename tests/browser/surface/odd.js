// Every call with arguments that make no sense, in every state: none throws, and each returns what it always does.
const PROMISE = [
  'startReceiveMedia',
  'stopReceiveMedia',
  'startReceiveRemoteAudio',
  'stopReceiveRemoteAudio',
  'startReceiveRemoteVideo',
  'stopReceiveRemoteVideo',
  'startReceiveScreenShare',
  'stopReceiveScreenShare',
  'getMediaDevices',
  'getOnlineUsers',
  'makeCall',
  'cancelCall',
  'finishCall',
  'switchDevice',
];
const NOTHING = [
  'chooseMicDevice',
  'chooseSpkDevice',
  'startPublishAudio',
  'stopPublishAudio',
  'startPublishVideo',
  'stopPublishVideo',
  'setLocalVideoRender',
  'unsetLocalVideoRender',
  'setStreamRender',
  'unsetStreamRender',
  'startScreenShare',
  'stopScreenShare',
  'setLocalScreenShareRender',
  'setRemoteScreenShareRender',
  'unsetScreenShareRender',
  'setMagicAudioSwitch',
  'setSendMagicAudioValue',
  'setRecvMagicAudioMode',
  'replyCall',
  'startUpload',
];
// What they return may be ignored, and is a promise for those who want to know.
const EITHER = [
  'startPublishMedia',
  'stopPublishMedia',
  'setMediaRender',
  'unsetMediaRender',
  'getStreamStats',
  'sendUserMsg',
  'sendGroupMsg',
  'sendGroupMsgWithWhiteList',
  'sendGroupMsgWithBlackList',
  'invite',
  'replyInvite',
  'cancelInvite',
];
const ODD = [
  [],
  [null],
  [undefined, undefined, undefined],
  [NaN],
  [{}],
  [[]],
  ['x', 99, {}],
  [1, 2, 3],
  ['a', 'b', 'c', 'd', 'e'],
  [{ userId: {}, msg: undefined, onFailed: 7 }],
  [Symbol.iterator],
  [() => {}, 5],
];

const unhandled = [];
addEventListener('unhandledrejection', ({ reason }) => unhandled.push(String(reason)));
const wrong = [];
const engine = new HstRtcEngine();
const tryAll = async (state) => {
  for (const args of ODD) {
    for (const name of [...PROMISE, ...NOTHING, ...EITHER, 'getStats']) {
      try {
        const value = engine[name](...args);
        if (PROMISE.includes(name)) value.catch(() => {});
        const isRight =
          (PROMISE.includes(name) && value instanceof Promise) ||
          (NOTHING.includes(name) && value === undefined) ||
          (name === 'getStats' && value === null) ||
          EITHER.includes(name);
        if (!isRight) wrong.push(`${state} ${name} gave ${value}`);
        if (name.startsWith('stopReceive')) value.catch((error) => wrong.push(`${state} ${name}: ${error}`));
      } catch (error) {
        wrong.push(`${state} ${name} threw ${error}`);
      }
    }
  }
  await pause(300);
};

await tryAll('uninit');
await engine.init();
await tryAll('inited');
await engine.login({ ...credentials, userId: 'odd', mutexType: undefined, mutextType: 'kiosk' });
const online = await engine.getOnlineUsers();
await tryAll('logined');
await engine.joinGroup('odd');
await tryAll('joined');
const failed = await new Promise((onFailed) => engine.startUpload({ file_name: 'a', file: null, onFailed }));
engine.leaveGroup();
await tryAll('leaving');
await engine.logout();
await tryAll('logged out');
engine.destroy();
await tryAll('destroyed');
const { MediaType, OnlineType, DisplayMode } = engine;
return {
  wrong,
  unhandled,
  failed: failed.code,
  kiosk: online.userInfo[0].onlineInfo[0].mutexType,
  MediaType,
  OnlineType,
  DisplayMode,
};
