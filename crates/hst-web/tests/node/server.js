// A server of the protocol's sections 2 and 7: sessions with numbers, and a group and a presence to fill them with.

import { Wire } from './wire.js';

/** How long a session waits for its client, in ms. */
const WINDOW = 60_000;

/** The house: sessions, who is in the group, and who is online. */
export class Server {
  /** Whether connections are accepted; false refuses them, and null lets them hang. */
  accepts = true;
  /** The most frames that are kept for a client that is away. */
  maxKept = Infinity;
  /** Every command that was carried out, in its order. */
  done = [];
  /** Requests that came a second time under their number. */
  repeats = 0;
  /** Why a login is refused: a code, or null. @type {(login: any) => number | null} */
  judge = () => null;
  sessions = new Map();
  wires = new Set();
  /** The others in the group: what each of them publishes. @type {Map<string, Set<string>>} */
  members = new Map();
  /** The others online: their terminals, and the text of each. @type {Map<string, Map<string, string>>} */
  online = new Map();

  #count = 0;

  constructor(clock, random) {
    this.clock = clock;
    this.random = random;
  }

  /** What a `Dialer` opens connections with. */
  open = (_url, abort) =>
    new Promise((resolve, reject) => {
      abort.addEventListener('abort', () => reject(new Error('no answer')));
      if (this.accepts === null) return;
      this.clock.after(1 + this.random() * 20, () => {
        if (!this.accepts || abort.aborted) reject(new Error('refused'));
        else resolve(this.#accept().client);
      });
    });

  /** Tells something to every session, or those that are `for` it. */
  tell(event, isFor = () => true) {
    for (const session of this.sessions.values()) if (isFor(session)) session.tell(event);
  }

  /** A page of who is online, itself always being among them. */
  page(after = '', limit) {
    const behind = [...this.online].filter(([user]) => user > after).sort(([a], [b]) => (a < b ? -1 : 1));
    const users = behind.slice(0, limit).map(([user, terminals]) => ({
      user,
      terminals: [...terminals].map(([terminal, state]) => ({ terminal, state })),
    }));
    return { users, total: this.online.size, more: behind.length > limit };
  }

  /** The group as it is. */
  snapshot() {
    const media = [...this.members].flatMap(([user, all]) => [...all].map((media) => ({ user, type: 2, media })));
    const members = [...this.members.keys()].sort();
    return { members, total: members.length, media, last_message: 0 };
  }

  #accept() {
    const wire = new Wire(this.clock, this.random);
    this.wires.add(wire);
    let session = null;
    wire.onGone = () => {
      this.wires.delete(wire);
      session?.leave(wire);
    };
    wire.onFrame = (text) => {
      const frame = JSON.parse(text);
      const { login, resume } = frame.do ?? {};
      if (session) session.hear(frame);
      else if (login) session = this.#logIn(wire, frame.id, login);
      else if (resume) session = this.#resume(wire, frame.id, resume);
      else throw new Error(`${text} before login`);
    };
    return wire;
  }

  #logIn(wire, id, login) {
    const code = this.judge(login);
    if (code !== null) {
      wire.send(JSON.stringify({ re: id, err: { code, message: 'refused' } }));
      return null;
    }
    for (const other of this.sessions.values()) other.end();
    const session = new Session(this, `s${(this.#count += 1)}`);
    this.sessions.set(session.name, session);
    const { name, secret } = session;
    const reply = { session: name, secret, resume_window: WINDOW / 1000, max_message: 8192 };
    session.attach(wire, { re: id, ok: { logged_in: reply } });
    return session;
  }

  #resume(wire, id, { session: name, secret, got }) {
    const session = this.sessions.get(name);
    if (!session || session.secret !== secret) {
      wire.send(JSON.stringify({ re: id, err: { code: 1000100, message: 'gone' } }));
      return null;
    }
    session.resume(wire, id, got);
    return session;
  }
}

/** One login, over however many connections. */
class Session {
  isInGroup = false;
  /** The last user of the last page that was asked for; null without a watch. */
  watchedTo = null;

  #server;
  #wire = null;
  #seq = 0;
  /** Frames that are not confirmed, with their numbers. */
  #kept = [];
  #received = 0;
  #cancelEnd = () => {};

  constructor(server, name) {
    this.#server = server;
    this.name = name;
    this.secret = `secret of ${name}`;
  }

  attach(wire, reply) {
    this.#cancelEnd();
    this.#wire?.cut(4003);
    this.#wire = wire;
    wire.send(JSON.stringify(reply));
  }

  resume(wire, id, got) {
    this.#confirm(got);
    const missed = this.#seq > got && this.#kept[0]?.seq !== got + 1;
    this.attach(wire, { re: id, ok: { resumed: { received: this.#received, ...(missed ? { missed } : {}) } } });
    if (missed) {
      this.#kept = [];
      this.watchedTo = null;
      if (this.isInGroup) this.tell({ snapshot: this.#server.snapshot() });
    } else {
      for (const { text } of this.#kept) wire.send(text);
    }
  }

  leave(wire) {
    if (this.#wire !== wire) return;
    this.#wire = null;
    this.#cancelEnd = this.#server.clock.after(WINDOW, () => this.end());
  }

  end() {
    this.#server.sessions.delete(this.name);
    this.#cancelEnd();
    this.#wire?.cut(1000);
  }

  tell(event) {
    this.#send({ ev: event });
  }

  hear({ id, got, do: command }) {
    if (got !== undefined) this.#confirm(got);
    else if (command.ping) this.#wire?.send(JSON.stringify({ re: id, ok: { done: {} } }));
    else if (id > this.#received) this.#carryOut(id, command);
    else this.#server.repeats += 1;
  }

  #carryOut(id, command) {
    this.#received = id;
    const [[name, fields]] = Object.entries(command);
    this.#server.done.push([name, fields]);
    const result = this.#resultOf(name, fields);
    this.#send(typeof result === 'number' ? { re: id, err: { code: result, message: name } } : { re: id, ok: result });
    if (name === 'exit') this.#server.sessions.delete(this.name);
    if (name === 'exit') this.#wire?.close(1000);
  }

  #resultOf(name, fields) {
    switch (name) {
      case 'join':
        this.isInGroup = true;
        return { joined: this.#server.snapshot() };
      case 'leave':
        if (!this.isInGroup) return 31;
        this.isInGroup = false;
        return { done: {} };
      case 'roster':
        return this.isInGroup ? { roster: { members: [], total: 0, more: false } } : 31;
      case 'receive':
        return this.#server.members.get(fields.user)?.has(fields.media) ? { done: {} } : 302;
      case 'offer':
        return { answer: { sdp: 'answer' } };
      case 'online': {
        const page = this.#server.page(fields.after, Math.min(fields.limit, 3));
        this.watchedTo = page.more ? page.users.at(-1).user : '~';
        return { online: page };
      }
      case 'message':
      case 'user_message':
        return { sent: { seq: this.#server.done.length } };
      default:
        return { done: {} };
    }
  }

  #confirm(got) {
    this.#kept = this.#kept.filter(({ seq }) => seq > got);
  }

  #send(frame) {
    const seq = (this.#seq += 1);
    const text = JSON.stringify({ seq, ...frame });
    this.#kept.push({ seq, text });
    if (this.#kept.length > this.#server.maxKept) this.#kept.shift();
    this.#wire?.send(text);
  }
}
