// An application of the older shape with the classic script: it has to compile against the declarations.
import type {} from 'hst-rtc-engine';

const engine = new window.HstRtcEngine();
engine.on('onUserJoinGroup', (userId) => console.log(userId.length));
engine.on('onWebSocketClosed', ({ code }) => console.log(code.toFixed()));
engine.on('onPublishMedia', ({ userId, mediaType, mediaId }) => {
  if (mediaType === engine.MediaType.VIDEO) engine.startReceiveRemoteVideo(userId, mediaId).catch(console.error);
});
engine.on('onRemoteMediaAdd', ({ streamId }) => engine.setStreamRender(document.createElement('video'), streamId));
engine.on('onCallResult', ({ callId, result }) => result === 0 && engine.finishCall(callId));

engine
  .init('https://rtc.example.org')
  .then(() => engine.login({ appId: 'app', token: 'token', userId: 'user1' }))
  .then(() => engine.joinGroup('group1'))
  .then(() => engine.sendUserMsg({ dstUserId: 'user2', msg: 'hello' }))
  .catch((error) => console.log(error.code));

export function talk(camera: string): void {
  engine.startPublishAudio();
  engine.startPublishVideo(camera, { width: 640, height: 480 });
  engine.setLocalVideoRender(document.createElement('video'), camera);
  const stats = engine.getStats({ userId: 'user2', mediaType: engine.MediaType.AUDIO, mediaId: 'appdef_mic' });
  console.log(stats?.audio.totalBytes);
}

export function goodbye(): void {
  engine.exit();
  engine.destroy();
}
