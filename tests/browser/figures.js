// Joins a group where somebody publishes a camera, and measures in ms how long the login takes, and how long it is from
// the call of `joinGroup` to each step on the way to the first decoded frame, by the name of the step. Who prepares is connected
// before that call.
const [group, prepares] = args;
const engine = new HstRtcEngine();
const video = document.createElement('video');
Object.assign(video, { autoplay: true, muted: true });
document.body.append(video);
const next = () => new Promise((resolve) => setTimeout(resolve, 1));

let joined = 0;
const steps = {};
const reach = (step) => (steps[step] ??= performance.now() - joined);
engine.on('onPublishMedia', async ({ userId, mediaType, mediaId }) => {
  if (mediaType !== engine.MediaType.VIDEO) return;
  engine.setMediaRender(userId, mediaType, mediaId, video);
  await engine.startReceiveMedia(userId, mediaType, mediaId);
  reach('receive');
});
engine.on('onRemoteMediaAdd', () => reach('flow'));

await engine.init();
const begin = performance.now();
await engine.login({ ...credentials, userId: 'viewer' });
const login = performance.now() - begin;

if (prepares) {
  await engine.prepareGroup(group);
  while (peers[0]?.connectionState !== 'connected') await next();
}
joined = performance.now();
await engine.joinGroup(group);
reach('join');
while (peers.length === 0) await next();
const [pc] = peers;
pc.addEventListener('signalingstatechange', () => pc.signalingState === 'stable' && reach('answer'));
pc.addEventListener('iceconnectionstatechange', () => pc.iceConnectionState === 'connected' && reach('ice'));
pc.addEventListener('connectionstatechange', () => pc.connectionState === 'connected' && reach('dtls'));
while (video.getVideoPlaybackQuality().totalVideoFrames === 0) await next();
reach('frame');

await engine.exit();
return { login, ...steps };
