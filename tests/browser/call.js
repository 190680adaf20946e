// A member of a call: publishes microphone and camera, unless it only listens, and shows and plays what others publish.
const [userId, group, onlyListens] = args;
const engine = (window.engine = new HstRtcEngine());
const { AUDIO, VIDEO } = engine.MediaType;
let played = [];

engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onRemoteMediaAdd', (media) => {
  const element = document.createElement(media.mediaType === AUDIO ? 'audio' : 'video');
  element.autoplay = true;
  element.dataset.user = media.userId;
  document.body.append(element);
  engine.setMediaRender(media.userId, media.mediaType, media.mediaId, element);
  played.push({ ...media, element });
});
engine.on('onUnPublishMedia', ({ userId, mediaType, mediaId }) => {
  const isIt = (other) => other.userId === userId && other.mediaType === mediaType && other.mediaId === mediaId;
  for (const { element } of played.filter(isIt)) {
    engine.unsetMediaRender(userId, mediaType, element);
    element.remove();
  }
  played = played.filter((other) => !isIt(other));
});

// What each media has brought so far, by its user and kind: video frames, or the energy of the sound and its seconds.
window.figures = async () => {
  const stats = [...(await peers.at(-1).getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const figureOf = ({ userId, mediaType, element }) => {
    const kind = mediaType === AUDIO ? 'audio' : 'video';
    const track = element.srcObject?.getTracks().find((track) => track.kind === kind);
    const line = stats.find(({ trackIdentifier }) => trackIdentifier === track?.id);
    const isHeard = !element.muted && !element.paused;
    return [
      `${userId} ${kind}`,
      {
        frames: line?.framesDecoded ?? 0,
        energy: isHeard ? (line?.totalAudioEnergy ?? 0) : 0,
        seconds: line?.totalSamplesDuration ?? 0,
        shown: element.getVideoPlaybackQuality?.().totalVideoFrames ?? 0,
        played: element.currentTime,
      },
    ];
  };
  return Object.fromEntries(played.map(figureOf));
};

await engine.init();
await engine.login({ ...credentials, userId });
await engine.joinGroup(group);
if (!onlyListens) {
  await Promise.all([
    engine.startPublishMedia(AUDIO, null),
    engine.startPublishMedia(VIDEO, null, { width: 320, height: 180, frameRate: 15 }),
  ]);
}
