// A screen with sound: the sound is heard where the screen is shown, and no application is told of it.
const [SCREEN_SHARE, AUDIO] = [0, 1];
const ann = await member('ann', 'screen');
const ben = await member('ben', 'screen');
await ann.engine.startPublishMedia(AUDIO, 'low');
await ann.engine.startPublishMedia(SCREEN_SHARE, null);
await until('both are told', () => ben.told.filter(([name]) => name === 'onPublishMedia').length === 2);
const [voice, screen] = [newVideo(), newVideo()];
await ben.engine.startReceiveMedia('ann', AUDIO, 'appdef_mic');
await ben.engine.startReceiveMedia('ann', SCREEN_SHARE, '0');
ben.engine.setMediaRender('ann', AUDIO, 'appdef_mic', voice);
ben.engine.setMediaRender('ann', SCREEN_SHARE, null, screen);
await until('the picture', () => colourOf(screen) === 'blue');
await until(
  'its sound',
  async () => screen.srcObject.getAudioTracks().length && isAbout(await loudest(screen.srcObject), 800),
);
check('the voice is elsewhere', isAbout(await loudest(voice.srcObject), 440));
// Who comes later hears it too.
const cas = await member('cas', 'screen');
const later = newVideo();
await until('it is told to him', () => cas.told.some(([, what]) => what.mediaType === SCREEN_SHARE));
await cas.engine.startReceiveMedia('ann', SCREEN_SHARE, '0');
cas.engine.setMediaRender('ann', SCREEN_SHARE, '0', later);
await until('the sound of the screen', () => later.srcObject?.getAudioTracks().length === 1);
await cas.engine.stopReceiveMedia('ann', SCREEN_SHARE, '0');
check('it ends with the screen', !later.srcObject);
// It goes on without a voice, and a voice that stops does not stop it.
ann.engine.stopPublishMedia(AUDIO);
await until('the voice ends', () => ben.told.some(([name]) => name === 'onUnPublishMedia'));
check('the screen is heard', (await heard([screen]))[0] && !voice.srcObject);
ann.engine.stopPublishMedia(SCREEN_SHARE, null);
await until('the screen ends', () => ben.told.filter(([name]) => name === 'onUnPublishMedia').length === 2);
check('all of it', !screen.srcObject && opened.every(({ track }) => track.readyState === 'ended'));
for (const { engine } of [ann, ben, cas]) engine.destroy();
// Which of the two flows first is not said.
const isFlow = ([name]) => name === 'onRemoteMediaAdd';
check('two media flow', ben.told.filter(isFlow).length === 2);
return ben.told
  .filter((event) => !isFlow(event))
  .map(([name, { mediaType, mediaId }]) => `${name} ${mediaType} ${mediaId}`);
