// A member who publishes a camera of 640×480, or one who shows it in an element of a size that the test sets.
const [userId, group, publishes] = args;
const VIDEO = 2;
const engine = (window.engine = new HstRtcEngine());
const video = (window.video = document.createElement('video'));
Object.assign(video, { autoplay: true, playsInline: true });
// How high it is shown; null is in full.
window.show = (height) => Object.assign(video.style, { width: `${(height * 4) / 3}px`, height: `${height}px` });

engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onRemoteMediaAdd', ({ mediaType, mediaId, ...media }) => {
  engine.setMediaRender(media.userId, mediaType, mediaId, video);
  engine.getStreamStats({ ...media, mediaType, mediaId }, (stats) => (window.stats = stats), 500);
});

// What the encoder does, or what has come so far.
window.figures = async () => {
  const all = [...(await peers.at(-1).getStats()).values()].filter(({ kind }) => kind === 'video');
  const sent = all.find(({ type }) => type === 'outbound-rtp') ?? {};
  const got = all.find(({ type }) => type === 'inbound-rtp') ?? {};
  return { isActive: sent.active, height: sent.frameHeight, bytes: got.bytesReceived, frames: got.framesDecoded };
};
setInterval(async () => (window.now = await figures()), 100);

document.body.append(video);
show(480);
await engine.init();
await engine.login({ ...credentials, userId });
await engine.joinGroup(group);
if (publishes) await engine.startPublishMedia(VIDEO, null);
