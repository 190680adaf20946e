// Somebody at a white board: shows the one that is published, and draws on it with a pointer of his.
const [userId, group] = args;
const engine = (window.engine = new HstRtcEngine());
const { WHITE_BOARD } = engine.MediaType;
const place = document.createElement('div');
Object.assign(place.style, { position: 'fixed', left: 0, top: 0, width: '640px', height: '384px' });
document.body.append(place);
window.errors = [];
window.turned = [];

engine.setWhiteBoardDisplayMode(null, 1, 100);
engine.on('onError', (error) => errors.push(error));
engine.on('onWhiteBoardCurPageChanged', ({ curPage }) => turned.push(curPage));
engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onUnPublishMedia', ({ mediaId }) => {
  window.ended = mediaId;
  engine.stopReceiveMedia(userId, WHITE_BOARD, mediaId);
  engine.unsetMediaRender(null, WHITE_BOARD, mediaId);
});
engine.on('onRemoteMediaAdd', (media) => {
  window.added = media;
  window.board = engine.getWhiteBoard(media.mediaId);
  engine.setMediaRender(null, WHITE_BOARD, media.mediaId, place);
  board.edit(true);
});

// Puts a pointer down, goes from place to place, and lifts it: each in pixels of the element.
window.stroke = (...places) => {
  const stage = place.firstElementChild;
  const tell = (type, [clientX, clientY]) => {
    const init = { clientX, clientY, pointerId: 1, pointerType: 'touch', button: 0, bubbles: true };
    stage.dispatchEvent(new PointerEvent(type, init));
  };
  tell('pointerdown', places[0]);
  for (const one of places.slice(1)) tell('pointermove', one);
  tell('pointerup', places.at(-1));
};

// A hash of what is finished on the page that is turned to, and how many pixels have ink.
window.picture = () => {
  const layer = place.querySelector('canvas');
  if (!layer) return null;
  const { data } = layer.getContext('2d').getImageData(0, 0, layer.width, layer.height);
  let [hash, ink] = [0x811c9dc5, 0];
  for (let at = 0; at < data.length; at += 1) hash = Math.imul(hash ^ data[at], 0x01000193) >>> 0;
  for (let at = 3; at < data.length; at += 4) ink += data[at] > 0 ? 1 : 0;
  return { hash, ink, width: layer.width, page: board.page(), pages: board.pageCount() };
};

await engine.init();
await engine.login({ ...credentials, userId });
await engine.joinGroup(group);
