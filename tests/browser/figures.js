// Joins a group where somebody publishes a camera, and measures in ms how long the login takes, and how long it is from
// the call of `joinGroup` to the first decoded frame.
const engine = new HstRtcEngine();
const video = document.createElement('video');
Object.assign(video, { autoplay: true, muted: true });
document.body.append(video);
engine.on('onPublishMedia', ({ userId, mediaType, mediaId }) => {
  if (mediaType !== engine.MediaType.VIDEO) return;
  engine.startReceiveMedia(userId, mediaType, mediaId);
  engine.setMediaRender(userId, mediaType, mediaId, video);
});

await engine.init();
const begin = performance.now();
await engine.login({ ...credentials, userId: 'viewer' });
const login = performance.now() - begin;

const joined = performance.now();
await engine.joinGroup(args[0]);
while (video.getVideoPlaybackQuality().totalVideoFrames === 0) await new Promise((next) => setTimeout(next, 1));
const firstFrame = performance.now() - joined;

await engine.exit();
engine.destroy();
video.remove();
return [login, firstFrame];
