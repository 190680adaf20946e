// One user with a voice and a camera, and another one who shows them in every order that applications have.
const [VOICE, CAM] = [
  ['ann', 1, 'appdef_mic'],
  ['ann', 2, 'appdef_vid'],
];
const ann = await member('ann', 'orders');
const { engine } = await member('ben', 'orders');
await ann.engine.startPublishMedia(1, null);
await ann.engine.startPublishMedia(2, null, { width: 320, height: 180 });

const orders = {
  'the picture, then the voice, which is not set anywhere': async ([p], add) => {
    await add(CAM, p);
    await add(VOICE);
    return 0;
  },
  'the voice not set anywhere, then the picture': async ([p], add) => {
    await add(VOICE);
    await add(CAM, p);
    return 0;
  },
  'both in one element': async ([p], add) => {
    await add(CAM, p);
    await add(VOICE, p);
    return 0;
  },
  'both in one element, the voice first': async ([p], add) => {
    await add(VOICE, p);
    await add(CAM, p);
    return 0;
  },
  'the voice in a hidden element, then the picture in another': async ([p, q], add) => {
    p.style.display = 'none';
    await add(VOICE, p);
    await add(CAM, q);
    return 0;
  },
  'the picture, then the voice in a hidden element': async ([p, q], add) => {
    p.style.display = 'none';
    await add(CAM, q);
    await add(VOICE, p);
    return 0;
  },
  'the element of the voice is emptied, by another type': async ([p, q], add) => {
    await add(VOICE, p);
    await add(CAM, q);
    engine.unsetMediaRender('ann', 2, p);
    return 1;
  },
  'the element of the picture is emptied': async ([p, q], add) => {
    await add(VOICE, p);
    await add(CAM, q);
    engine.unsetMediaRender('ann', 2, q);
    return 0;
  },
  'the picture ends and its element stays': async ([p], add) => {
    await add(CAM, p);
    await add(VOICE);
    await engine.stopReceiveMedia(...CAM);
    return 0;
  },
  'the same element is set again': async ([p], add) => {
    await add(CAM, p);
    await add(VOICE);
    engine.setMediaRender(...CAM, p);
    engine.setMediaRender(...VOICE, p);
    return 0;
  },
  'the picture in two elements': async ([p, q], add) => {
    await add(CAM, p);
    await add(VOICE);
    engine.setMediaRender(...CAM, q);
    return 0;
  },
};

const told = [];
engine.on('onRemoteMediaAdd', ({ mediaType }) => told.push(mediaType));
const found = {};
for (const [name, show] of Object.entries(orders)) {
  const elements = [newVideo(), newVideo()];
  told.length = 0;
  const add = async (media, element) => {
    await engine.startReceiveMedia(...media);
    await until('it flows', () => told.includes(media[1]));
    if (element) engine.setMediaRender(...media, element);
  };
  const home = await show(elements, add);
  const where = await heard(elements);
  found[name] = where[home] && where.filter(Boolean).length === 1;
  for (const element of elements) {
    engine.unsetMediaRender('ann', 2, element);
    element.remove();
  }
  await engine.stopReceiveMedia(...CAM);
  await engine.stopReceiveMedia(...VOICE);
}
return found;
