// A member who publishes a camera, of 640×480 unless the test says otherwise, and a microphone, or one who shows and plays them in an element of a size
// that the test sets.
const [userId, group, publishes, picture] = args;
const [AUDIO, VIDEO] = [1, 2];
const engine = (window.engine = new HstRtcEngine());
const video = (window.video = document.createElement('video'));
Object.assign(video, { autoplay: true, playsInline: true });
// As in many a page it is hidden until it has a picture.
video.style.display = 'none';
video.addEventListener('loadeddata', () => (video.style.display = ''), { once: true });
// How high it is shown.
window.show = (height) => Object.assign(video.style, { width: `${(height * 4) / 3}px`, height: `${height}px` });

engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onRemoteMediaAdd', ({ mediaType, mediaId, ...media }) => {
  engine.setMediaRender(media.userId, mediaType, mediaId, video);
  if (mediaType === VIDEO) engine.getStreamStats({ ...media, mediaType, mediaId }, (stats) => (window.stats = stats), 500);
});

// What the encoder does, or what has come so far.
window.figures = async () => {
  const all = [...(await peers.at(-1).getStats()).values()];
  const of = (way, what) => all.find(({ type, kind }) => type === way && kind === what) ?? {};
  const [got, heard] = [of('inbound-rtp', 'video'), of('inbound-rtp', 'audio')];
  const sent = all.filter(({ type, kind, active }) => type === 'outbound-rtp' && kind === 'video' && active);
  return {
    isActive: sent.length > 0,
    // Of the encodings that are sent side by side, the heights.
    heights: sent.map(({ frameHeight = 0 }) => frameHeight).sort((one, other) => one - other),
    height: Math.max(...sent.map(({ frameHeight = 0 }) => frameHeight)),
    bytes: got.bytesReceived,
    frames: got.framesDecoded,
    sound: heard.bytesReceived,
  };
};
setInterval(async () => (window.now = await figures()), 100);

document.body.append(video);
show(480);
await engine.init();
await engine.login({ ...credentials, userId });
await engine.joinGroup(group);
if (publishes) await Promise.all([AUDIO, VIDEO].map((type) => engine.startPublishMedia(type, null, picture)));
