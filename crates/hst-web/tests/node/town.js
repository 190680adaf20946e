// The others: who is in the group and what they publish, and who is online.

/** Changes of all this are told to those whom they concern. */
export class Town {
  /** The media of each member. @type {Map<string, Set<string>>} */
  members = new Map();
  /** The white boards that are published. */
  boards = [];
  /** The terminals of each user online, with the text of each. @type {Map<string, Map<string, string>>} */
  online = new Map();
  /** Tells an event to the sessions that it is for. */
  tell = (_event, _isFor) => {};

  enter(user) {
    this.members.set(user, new Set());
    this.#tellGroup({ member_joined: { user } });
  }

  leave(user) {
    for (const media of this.members.get(user)) this.unpublish(user, media);
    this.members.delete(user);
    this.#tellGroup({ member_left: { user } });
  }

  publish(user, media) {
    this.members.get(user).add(media);
    this.#tellGroup({ published: { user, type: 2, media } });
  }

  unpublish(user, media) {
    this.members.get(user).delete(media);
    this.#tellGroup({ unpublished: { user, type: 2, media } });
  }

  showBoard(user, media) {
    this.boards.push({ user, type: 4, media, name: 'plan' });
    this.#tellGroup({ published: this.boards.at(-1) });
  }

  /** Sets the text of a terminal, or puts it offline with null. */
  setOnline(user, terminal, state) {
    const terminals = this.online.get(user) ?? new Map();
    if (state === null) terminals.delete(terminal);
    else terminals.set(terminal, state);
    if (terminals.size > 0) this.online.set(user, terminals);
    else this.online.delete(user);
    const change = { user, online: state !== null, terminal, state: state ?? '' };
    this.tell({ presence: { changes: [change] } }, ({ watchedTo }) => watchedTo !== null && user <= watchedTo);
  }

  /** The group as it is. */
  snapshot() {
    const members = [...this.members.keys()].sort();
    const media = members.flatMap((user) => [...this.members.get(user)].map((media) => ({ user, type: 2, media })));
    return { members, total: members.length, media: [...media, ...this.boards], last_message: 0 };
  }

  page(after, limit) {
    const behind = [...this.online].filter(([user]) => user > after).sort(([a], [b]) => (a < b ? -1 : 1));
    const users = behind.slice(0, limit).map(([user, terminals]) => ({
      user,
      terminals: [...terminals].map(([terminal, state]) => ({ terminal, state })),
    }));
    return { users, total: this.online.size, more: behind.length > limit };
  }

  #tellGroup(event) {
    this.tell(event, ({ isInGroup }) => isInGroup);
  }
}
