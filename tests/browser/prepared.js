// Somebody who looks on. He is logged in, and has prepared for a group; the test says when he joins which one.
const [userId, group] = args;
const engine = (window.engine = new HstRtcEngine());
const video = (window.video = document.createElement('video'));
Object.assign(video, { autoplay: true, playsInline: true });
document.body.append(video);
engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onRemoteMediaAdd', (media) => engine.setMediaRender(media.userId, media.mediaType, media.mediaId, video));
window.errors = [];
engine.on('onError', (error) => errors.push(error));
window.states = () => peers.map(({ connectionState }) => connectionState).join();
await engine.init();
await engine.login({ ...credentials, userId });
await engine.prepareGroup(group);
