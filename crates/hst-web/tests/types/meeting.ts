// An application of the generic shape: it has to compile against the declarations, and is never run.
import HstRtcEngine, { type Events, type HstRtcError, type OnlinePage } from 'hst-rtc-engine';

const engine = new HstRtcEngine();
const { AUDIO, VIDEO, SCREEN_SHARE } = engine.MediaType;
const video = document.createElement('video');

engine.subEvent('onPublishMedia', ({ userId, mediaType, mediaId }) => {
  engine.startReceiveMedia(userId, mediaType, mediaId);
});
engine.subEvent('onRemoteMediaAdd', (media) => {
  engine.setMediaRender(media.userId, media.mediaType, media.mediaId, video);
  const streamId: string = media.streamId;
  console.log(streamId);
});
engine.subEvent('onRecvGroupMsg', (message) => console.log(message.srcUserId, message.msg, message.msgId + 1));
engine.subEvent('onCommingInvite', ({ seqId, groupId }) => engine.replyInvite({ seqId, groupId, operation: 0 }));
engine.subEvent('onDiscontinuity', ({ reason }) => console.log(reason === 'missed' || reason === 'login'));
engine.subEvent('an event of the application', (...anything) => console.log(anything));

const onUsers: Events['onGroupUserList'] = (userIds) => console.log(userIds.join());
engine.subEvent('onGroupUserList', onUsers);
engine.unsubEvent('onGroupUserList', onUsers);

export async function meet(token: string): Promise<void> {
  await engine.init();
  await engine.login({ appId: 'app', token, userId: 'user1', mutexType: 'web', forceLogin: true, extendInfo: 'Ann' });
  const page: OnlinePage = await engine.getOnlineUsers();
  console.log(page.userInfo.map(({ userId, onlineInfo }) => [userId, onlineInfo[0]?.extendInfo]));
  await engine.getOnlineUsers((each) => console.log(each.pageInfo.curPage));
  await engine.joinGroup('group1');
  const { camDevs } = await engine.getMediaDevices();
  await engine.startPublishMedia(AUDIO, null);
  await engine.startPublishMedia(VIDEO, camDevs[0].devId, { width: 1280, height: 720, frameRate: 30, bitRate: 0 });
  engine.getStreamStats({ userId: 'user1', mediaType: AUDIO, mediaId: null }, ({ volume }) => console.log(volume), 100);
  engine.getStreamStats(
    { userId: 'user1', mediaType: VIDEO, mediaId: camDevs[0].devId },
    ({ width, height, bitRate }, label) => console.log(label.toUpperCase(), width * height, bitRate),
    1000,
    'camera',
  );
  await engine.sendGroupMsg({ msg: { any: ['JSON', 1, null] } });
  await engine.sendGroupMsgWithWhiteList({ whiteList: ['user2'], msg: 'psst' });
  await engine.leaveGroup().catch((error: HstRtcError) => console.log(error.code, error.serverCode, error.message));
  await engine.logout();
  engine.destroy();
}

// @ts-expect-error there is one class, and nothing else to import at run time
export { Engine } from 'hst-rtc-engine';

export function mistakes(): void {
  // @ts-expect-error a login names its user
  engine.login({ appId: 'app', token: 'token' });
  // @ts-expect-error the number of no media type
  engine.startPublishMedia(7, null);
  // @ts-expect-error sound has no width
  engine.getStreamStats({ userId: 'user2', mediaType: AUDIO, mediaId: 'm' }, ({ width }) => console.log(width));
  // @ts-expect-error a screen is shared with numbers
  engine.startPublishMedia(SCREEN_SHARE, null, { width: '1920' });
}
