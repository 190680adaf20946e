import { make } from './dom.js';
import { nameOf } from './names.js';
import { words } from './text.js';
import { newVideo } from './tile.js';
import { toast } from './toasts.js';

/**
 * @import { Device, HstRtcEngine, Media, MediaTypeValue } from '../sdk/hst-rtc-engine.js'
 * @import { Choice } from './choice.js'
 * @import { Stage } from './stage.js'
 * @import { Tiles } from './tiles.js'
 * @typedef {'mic' | 'cam' | 'share'} Kind
 */

/** The shape of most tiles, and a pace at which people look alive. */
const CAMERA = { width: 640, height: 360, frameRate: 24 };
/** How often the quality of a picture is looked at, in ms. */
const QUALITY_INTERVAL = 2_000;

/** Who is in the group and what each of them sends: brings the engine's media to tiles and stage, and one's own to it. */
export class Call {
  /** What oneself sends: a kind is in it while it is on. @type {Set<Kind>} */
  own = new Set();
  /** The others, each with what they send. @type {Map<string, Set<Kind>>} */
  members = new Map();
  self = '';
  #engine;
  #tiles;
  #stage;
  #choice;
  #onChange;
  /** @type {Record<Kind, MediaTypeValue>} */
  #types;
  /** The first camera of each person, which is shown on the person's own tile. @type {Map<string, string>} */
  #cameras = new Map();
  /** Under which device's ID one's own camera is published. @type {string | null} */
  #ownCamera = null;
  /** What is open; null for what the system says. @type {Record<'mic' | 'cam', string | null>} */
  #devices = { mic: null, cam: null };
  /** @type {Map<string, HTMLVideoElement>} */
  #screens = new Map();

  /**
   * @param {HstRtcEngine} engine
   * @param {Tiles} tiles
   * @param {Stage} stage
   * @param {Choice} choice
   * @param {() => void} onChange members or what somebody sends have changed
   */
  constructor(engine, tiles, stage, choice, onChange) {
    this.#engine = engine;
    this.#tiles = tiles;
    this.#stage = stage;
    this.#choice = choice;
    this.#onChange = onChange;
    const { AUDIO, VIDEO, SCREEN_SHARE } = engine.MediaType;
    this.#types = { mic: AUDIO, cam: VIDEO, share: SCREEN_SHARE };
    engine.on('onAudioLevels', (levels) => tiles.showLevels(levels));
    engine.on('onActiveSpeaker', ({ userId }) => tiles.showSpeaker(userId));
    engine.on('onGroupUserList', (users) => users.forEach((user) => this.#handleJoined(user)));
    engine.on('onUserJoinGroup', (user) => {
      this.#handleJoined(user);
      toast(words().came(nameOf(user)));
    });
    engine.on('onUserLeaveGroup', (user) => this.#handleLeft(user));
    engine.on('onPublishMedia', ({ userId, mediaType, mediaId }) => {
      if (this.#kindOf(mediaType)) engine.startReceiveMedia(userId, mediaType, mediaId).catch(() => {});
    });
    engine.on('onRemoteMediaAdd', (media) => this.#handleMedia(media));
    engine.on('onUnPublishMedia', (media) => this.#handleUnpublished(media));
    engine.on('onMediaMuted', (media) => this.#handleMuted(media));
    engine.on('onScreenShareStopped', () => this.#handleOwnEnded('share'));
    engine.on('onDeviceChange', ({ micDevs, camDevs }) => {
      this.#handleDevices('mic', micDevs);
      this.#handleDevices('cam', camDevs);
    });
    choice.addEventListener('choice', (event) => this.#switchDevice(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {string} self the own User ID */
  open(self) {
    this.self = self;
    this.#tiles.open(self);
    this.#onChange();
  }

  /** Forgets everybody: the engine has left the group. */
  close() {
    this.self = '';
    this.own.clear();
    this.members.clear();
    this.#cameras.clear();
    this.#screens.clear();
    this.#stage.clear();
    this.#tiles.close();
  }

  /**
   * Turns one's own microphone, camera or screen on or off. Stays within the click: the screen picker needs it.
   * @param {Kind} kind
   */
  async toggle(kind) {
    const type = this.#types[kind];
    if (this.own.has(kind)) {
      this.#engine.stopPublishMedia(type);
      this.#handleOwnEnded(kind);
      return;
    }
    const device = kind === 'share' ? null : (this.#devices[kind] = this.#choice.of(kind));
    if (kind === 'cam') this.#ownCamera = device;
    const published = this.#engine.startPublishMedia(type, device, kind === 'cam' ? CAMERA : null);
    this.own.add(kind);
    this.#onChange();
    try {
      await published;
      if (this.own.has(kind)) this.#showOwn(kind);
      // Names of devices can be read now.
      this.#choice.refresh();
    } catch {
      // The words for the user come with `onError`.
      this.#handleOwnEnded(kind);
    }
  }

  /** @param {number} type @returns {Kind | undefined} */
  #kindOf(type) {
    return /** @type {Kind[]} */ (Object.keys(this.#types)).find((kind) => this.#types[kind] === type);
  }

  /** @param {string} user */
  #handleJoined(user) {
    if (user === this.self || this.members.has(user)) return;
    this.members.set(user, new Set());
    this.#tiles.of(user);
    this.#onChange();
  }

  /** @param {string} user */
  #handleLeft(user) {
    this.members.delete(user);
    this.#cameras.delete(user);
    this.#unshowScreen(user);
    this.#engine.unsetMediaRender(user, this.#types.cam, this.#tiles.of(user).video);
    this.#tiles.remove(user);
    toast(words().went(nameOf(user)));
    this.#onChange();
  }

  /** A media flows: time to show it. @param {Media} media */
  #handleMedia({ userId, mediaType, mediaId }) {
    const kind = this.#kindOf(mediaType);
    if (!kind) return;
    this.#handleJoined(userId);
    this.members.get(userId)?.add(kind);
    if (kind === 'share') {
      this.#showScreen(userId, mediaId);
    } else if (kind === 'mic') {
      const tile = this.#tiles.of(userId);
      tile.hasSound = true;
      this.#engine.setMediaRender(userId, mediaType, mediaId, tile.video);
    } else {
      if (!this.#cameras.has(userId)) this.#cameras.set(userId, mediaId);
      this.#showCamera(userId, mediaId, this.#tileOf(userId, mediaId));
    }
    this.#onChange();
  }

  /** @param {Media} media */
  #handleUnpublished({ userId, mediaType, mediaId }) {
    const kind = this.#kindOf(mediaType);
    if (!kind || !this.members.has(userId)) return;
    this.#engine.stopReceiveMedia(userId, mediaType, mediaId);
    if (kind === 'share') {
      this.#unshowScreen(userId);
    } else if (kind === 'mic') {
      this.#tiles.of(userId).hasSound = false;
    } else if (this.#cameras.get(userId) === mediaId) {
      this.#tiles.of(userId).hasPicture = false;
      this.#cameras.delete(userId);
    } else {
      this.#engine.unsetMediaRender(userId, mediaType, this.#tileOf(userId, mediaId).video);
      this.#tiles.remove(userId, mediaId);
    }
    this.members.get(userId)?.delete(kind);
    this.#onChange();
  }

  /** @param {Media & { muted: boolean }} media silenced at the server, or heard again */
  #handleMuted({ userId, mediaType, muted }) {
    if (mediaType !== this.#types.mic || !(this.members.has(userId) || userId === this.self)) return;
    this.#tiles.of(userId).hasSound = !muted;
    if (muted) this.members.get(userId)?.delete('mic');
    else this.members.get(userId)?.add('mic');
    this.#onChange();
    if (userId === this.self) toast(muted ? words().mutedByAdmin : words().heardAgain);
  }

  /** @param {Kind} kind */
  #handleOwnEnded(kind) {
    if (!this.own.delete(kind)) return;
    const tile = this.#tiles.of(this.self);
    if (kind === 'mic') {
      tile.hasSound = false;
    } else if (kind === 'cam') {
      tile.hasPicture = false;
      this.#engine.unsetMediaRender(this.self, this.#types.cam, tile.video);
    } else {
      this.#unshowScreen(this.self);
    }
    this.#onChange();
  }

  /** @param {Kind} kind */
  #showOwn(kind) {
    const tile = this.#tiles.of(this.self);
    if (kind === 'share') {
      this.#showScreen(this.self, null);
    } else if (kind === 'mic') {
      tile.hasSound = true;
    } else {
      this.#showCamera(this.self, this.#ownCamera, tile);
    }
  }

  /**
   * @param {string} userId
   * @param {string | null} mediaId
   * @param {import('./tile.js').Tile} tile
   */
  #showCamera(userId, mediaId, tile) {
    const media = { userId, mediaType: this.#types.cam, mediaId };
    this.#engine.setMediaRender(userId, media.mediaType, mediaId, tile.video);
    tile.hasPicture = true;
    const show = (/** @type {any} */ stats) => {
      // One's own camera rests while nobody looks.
      const rests = tile.isOwn && stats.bitRate === 0;
      tile.quality = tile.hasPicture && !rests ? stats : null;
    };
    this.#engine.getStreamStats(media, show, QUALITY_INTERVAL);
  }

  /**
   * @param {string} user
   * @param {string | null} mediaId
   */
  #showScreen(user, mediaId) {
    const isOwn = user === this.self;
    const video = newVideo(isOwn);
    this.#screens.set(user, video);
    const label = () => (isOwn ? words().yourScreen : words().screenOf(nameOf(user)));
    this.#stage.add(`screen/${user}`, make('div', { class: 'screen' }, [video]), label);
    this.#engine.setMediaRender(user, this.#types.share, mediaId, video);
  }

  /** @param {string} user */
  #unshowScreen(user) {
    const video = this.#screens.get(user);
    if (!video) return;
    this.#screens.delete(user);
    this.#stage.remove(`screen/${user}`);
    this.#engine.unsetMediaRender(user, this.#types.share, video);
  }

  /** @param {'mic' | 'cam' | 'spk'} kind another device was chosen for it */
  #switchDevice(kind) {
    const device = this.#choice.of(kind);
    if (kind === 'spk') {
      this.#engine.chooseSpkDevice(device);
    } else if (this.own.has(kind)) {
      this.#devices[kind] = device;
      const mediaId = kind === 'cam' ? this.#ownCamera : null;
      this.#engine.switchDevice(this.#types[kind], mediaId, device ?? '').catch(() => {});
    }
  }

  /**
   * What was pulled out is not sent any more.
   * @param {'mic' | 'cam'} kind
   * @param {Device[]} devices that there are
   */
  #handleDevices(kind, devices) {
    const open = this.#devices[kind];
    const isThere = open ? devices.some(({ devId }) => devId === open) : devices.length > 0;
    if (!isThere) this.#handleOwnEnded(kind);
  }

  /**
   * @param {string} user
   * @param {string} mediaId
   */
  #tileOf(user, mediaId) {
    return this.#tiles.of(user, this.#cameras.get(user) === mediaId ? '' : mediaId);
  }
}
