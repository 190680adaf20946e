// An application of the newer calls, as those of the platform are written: a pool of panels, one for each picture, and
// for the sound of who has none; nothing is awaited that need not be, and promises are ignored where they may be.
const { SCREEN_SHARE, AUDIO, VIDEO } = new HstRtcEngine().MediaType;

class Meeting {
  engine = new HstRtcEngine();
  told = [];
  stats = [];
  members = new Map();
  panels = Array.from({ length: 4 }, () => ({ video: newVideo(), user: null, audio: null, picture: null }));
  screens = [newVideo()];

  constructor(userId) {
    this.userId = userId;
    const { engine } = this;
    const events = {
      onGroupUserList: (users) => users.forEach((user) => this.members.set(user, {})),
      onUserJoinGroup: (user) => this.members.set(user, {}),
      onUserLeaveGroup: (user) => this.members.delete(user),
      onPublishMedia: (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId),
      onUnPublishMedia: (media) => this.remove(media),
      onRemoteMediaAdd: (media) => this.add(media),
      onScreenShareStopped: () => this.stopShare(),
      onCommingInvite: (invite) => this.accept(invite),
      onInviteReply: () => {},
      onRecvUserMsg: () => {
        throw new Error('a fault of the application');
      },
      onRecvGroupMsg: () => {},
      onOnlineUserState: () => {},
      onUserForceLogout: () => {},
      onKickOut: () => {},
      onWhiteBoardCurPageChanged: () => {},
      onIncommingCall: () => {},
      onCancelCall: () => {},
      onFinishCall: () => {},
      onCallFinished: () => {},
      onCallRelease: () => {},
      onCallResult: () => {},
    };
    for (const [name, handle] of Object.entries(events)) {
      engine.subEvent(name, (what) => {
        this.told.push([name, what?.userId ?? what?.srcUserId ?? what]);
        handle(what);
      });
    }
    // Before everything else, and without asking whether it may be.
    engine.setMagicAudioSwitch(false);
    engine.setSendMagicAudioValue(0);
    engine.setRecvMagicAudioMode('0');
    engine.chooseSpkDevice(null);
  }

  get names() {
    return this.told.map(([name]) => name);
  }

  async enter(groupId) {
    const { engine, userId } = this;
    await engine.init();
    this.devices = await engine.getMediaDevices();
    engine.chooseSpkDevice(this.devices.spkDevs[0]?.devId ?? '');
    const login = { userId, forceLogin: false, extendInfo: `${userId}'s`, accessUrl: null, companyId: '' };
    await engine.login({ ...login, ...credentials });
    this.online = await engine.getOnlineUsers();
    await engine.joinGroup(groupId);
  }

  publish() {
    const { engine, userId } = this;
    this.mic = this.devices.micDevs[0].devId;
    this.cam = this.devices.camDevs[0].devId;
    engine.startPublishMedia(AUDIO, this.mic);
    engine.startPublishMedia(VIDEO, this.cam, { width: 320, height: 180, frameRate: 15, bitRate: 0 });
    this.own = this.panels[0];
    Object.assign(this.own, { user: userId, picture: this.cam });
    engine.setMediaRender(userId, VIDEO, this.cam, this.own.video);
    this.watch(userId, AUDIO, this.mic, 100);
    this.watch(userId, VIDEO, this.cam, 1000);
  }

  share() {
    this.engine.startPublishMedia(SCREEN_SHARE, null);
    this.engine.setMediaRender(this.userId, SCREEN_SHARE, null, this.screens[0], null);
    this.watch(this.userId, SCREEN_SHARE, '0', 1000);
  }

  stopShare() {
    this.engine.stopPublishMedia(SCREEN_SHARE, null);
    this.engine.unsetMediaRender(this.userId, SCREEN_SHARE, this.screens[0]);
  }

  watch(userId, mediaType, mediaId, interval) {
    const tell = (stats, userData) => this.stats.push([userData, stats]);
    this.engine.getStreamStats({ userId, mediaType, mediaId }, tell, interval, `${userId} ${mediaType}`);
  }

  add({ userId, mediaType, mediaId }) {
    const { engine, panels } = this;
    this.watch(userId, mediaType, mediaId, mediaType === AUDIO ? 100 : 1000);
    if (mediaType === SCREEN_SHARE) {
      engine.setMediaRender(userId, SCREEN_SHARE, mediaId, this.screens[0], null);
      return;
    }
    const withPicture = panels.find((panel) => panel.user === userId && panel.picture);
    if (mediaType === AUDIO && withPicture) {
      withPicture.audio = mediaId;
      return;
    }
    const panel = panels.find(({ user }) => user === null);
    Object.assign(panel, { user: userId, [mediaType === AUDIO ? 'audio' : 'picture']: mediaId });
    // Who has no picture is not shown.
    panel.video.style.display = mediaType === AUDIO ? 'none' : 'block';
    engine.setMediaRender(userId, mediaType, mediaId, panel.video);
  }

  // Elements are emptied once receiving has stopped, by a type that need not be that of what they show.
  remove({ userId, mediaType, mediaId }) {
    if (!this.members.has(userId)) throw new TypeError('a user whom the application does not know');
    const { engine } = this;
    engine.stopReceiveMedia(userId, mediaType, mediaId).then(() => {
      if (mediaType === SCREEN_SHARE) return engine.unsetMediaRender(userId, SCREEN_SHARE, this.screens[0]);
      const field = mediaType === AUDIO ? 'audio' : 'picture';
      const panel = this.panels.find((panel) => panel.user === userId && panel[field] === mediaId);
      panel[field] = null;
      if (panel.audio || panel.picture) return;
      panel.user = null;
      engine.unsetMediaRender(userId, VIDEO, panel.video);
    });
  }

  accept({ seqId, groupId }) {
    const { engine } = this;
    engine.replyInvite({ seqId, groupId, operation: 0, extendInfo: '' });
    engine.stopPublishMedia(VIDEO, undefined);
    engine.unsetMediaRender(this.userId, VIDEO, this.own.video);
    this.own.user = null;
    engine.stopPublishMedia(AUDIO);
    engine.leaveGroup();
    this.members.clear();
    engine.joinGroup(groupId).then(() => (this.group = groupId));
  }

  async quit() {
    const { engine, userId } = this;
    const left = this.told.length;
    await engine.logout();
    engine.stopPublishMedia(AUDIO);
    engine.stopPublishMedia(VIDEO, undefined);
    engine.stopReceiveMedia('nobody', VIDEO, 'cam').then(() => (this.hasStopped = true));
    engine.stopReceiveMedia(undefined, undefined, undefined).then(() => {});
    engine.unsetMediaRender(userId, VIDEO, this.own.video);
    engine.unsetMediaRender(null, 4, 'no element');
    engine.destroy();
    return this.told.slice(left);
  }
}

const [ann, ben] = [new Meeting('ann'), new Meeting('ben')];
const hasFigures = (meeting, of, isGood) => meeting.stats.some(([userData, stats]) => userData === of && isGood(stats));
const isPicture = ({ width, height, frameRate, bitRate }) =>
  width > 0 && height > 0 && frameRate > 0 && [width, height, frameRate, bitRate].every(Number.isInteger);
const isSound = ({ volume }) => Number.isInteger(volume) && volume > 0 && volume <= 100;

await ann.enter('g');
await ben.enter('g');
check(
  'devices have names',
  ann.devices.micDevs.concat(ann.devices.camDevs).every((d) => d.devName && d.devId),
);
const mine = ben.online.userInfo.find(({ userId }) => userId === 'ben');
check('who logs in finds himself', mine.onlineInfo[0].extendInfo === "ben's" && mine.onlineInfo[0].state === 1);

ann.publish();
ben.publish();
for (const [me, other] of [
  [ann, 'ben'],
  [ben, 'ann'],
]) {
  await until('a preview', () => isMoving(me.own.video));
  await until('a picture', () =>
    me.panels.some(({ user, picture, video }) => user === other && picture && isMoving(video)),
  );
  await until('a sound', () => me.panels.some(({ user, audio }) => user === other && audio));
  const theirs = me.panels.filter(({ user }) => user === other).map(({ video }) => video);
  check('it is heard once', (await heard(theirs)).filter(Boolean).length === 1);
  check('nobody hears himself', !(await heard([me.own.video]))[0]);
  for (const user of ['ann', 'ben']) {
    await until('a volume', () => hasFigures(me, `${user} 1`, isSound));
    await until('figures of a picture', () => hasFigures(me, `${user} 2`, isPicture));
  }
}

// Who is asked for a screen may say no.
navigator.mediaDevices.getDisplayMedia = async () => {
  throw new DOMException('the user said no', 'NotAllowedError');
};
ann.share();
await until('the application is told', () => ann.names.includes('onScreenShareStopped'));
delete navigator.mediaDevices.getDisplayMedia;
ann.told.length = 0;
ann.share();
await until('the own screen', () => isMoving(ann.screens[0]));
await until('the screen of another', () => isMoving(ben.screens[0]));
await until('figures of the own screen', () => hasFigures(ann, 'ann 0', isPicture));
ann.stopShare();
await until('the screen is gone', () => !ben.screens[0].srcObject);
check('who stops himself is not told', !ann.names.includes('onScreenShareStopped'));
ann.share();
await until('the screen is back', () => ben.screens[0].srcObject);
ann.screens[0].srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'));
await until('the application is told', () => ann.names.includes('onScreenShareStopped'));
await until('the screen is gone again', () => !ben.screens[0].srcObject);

// A fault in a callback is the application's own.
ann.engine.sendUserMsg({ dstUserId: 'ben', msg: 'hi' });
ann.engine.sendGroupMsg({ groupId: 'g', msg: 'all' });
await until('messages', () => ben.names.includes('onRecvUserMsg') && ben.names.includes('onRecvGroupMsg'));
check('nobody gets his own', !ann.names.includes('onRecvGroupMsg'));

// Another group, at once.
ann.told.length = 0;
const before = ben.stats.length;
ann.engine.invite({ seqId: 1, groupId: 'h', calleeInfo: ['ben'], extendInfo: '' });
await until('the answer', () => ann.names.includes('onInviteReply'));
await until('the other group', () => ben.group === 'h');
await until('he has left', () => ann.names.includes('onUserLeaveGroup'));
const order = ann.names.filter((name) => name !== 'onInviteReply');
check(`media end before their user leaves: ${order}`, order.indexOf('onUserLeaveGroup') === order.length - 1);
await until('his panels are free', () =>
  ann.panels.every(({ user, video }) => user !== 'ben' && (user || !video.srcObject)),
);
check('figures end with their media', before <= ben.stats.length);
ben.stats.length = 0;
await pause(1200);
check('nothing is measured any more', ben.stats.length === 0);

// Out while in the group, and in again with the same engine.
const after = await ann.quit();
check(`nothing is told on the way out: ${JSON.stringify(after)}`, after.length === 0);
await until('stopping nothing succeeds', () => ann.hasStopped);
ann.told.length = 0;
await ann.enter('h');
ann.publish();
await until('a picture after coming back', () =>
  ben.panels.some(({ user, video }) => user === 'ann' && isMoving(video)),
);
await ann.quit();
await ben.quit();
return 'done';
