// A network whose connections are slow, and lose what is under way when they are cut.

/** One connection between a client, which has it in the shape of a WebSocket, and a server. */
export class Wire {
  isOpen = true;
  /** What the server does with a frame. */
  onFrame = () => {};
  /** What the server does when the connection is gone. */
  onGone = () => {};

  #up;
  #down;

  constructor(clock, random) {
    this.#up = new Lane(clock, random);
    this.#down = new Lane(clock, random);
    this.client = {
      onmessage: null,
      onclose: null,
      send: (data) => this.#up.carry(() => this.isOpen && this.onFrame(data)),
      close: () => this.#up.carry(() => this.cut(1000)),
    };
  }

  /** The server sends. */
  send(data) {
    this.#down.carry(() => this.isOpen && this.client.onmessage?.({ data }));
  }

  /** The server closes, behind what it has sent. */
  close(code) {
    this.#down.carry(() => this.cut(code));
  }

  /** What is under way is lost, and both ends notice. */
  cut(code = 1006) {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onGone();
    this.client.onclose?.({ code });
  }

  /** What is under way is lost, and only the server notices. */
  block() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onGone();
  }
}

/** One direction: no frame overtakes another. */
class Lane {
  #clock;
  #random;
  #last = 0;

  constructor(clock, random) {
    this.#clock = clock;
    this.#random = random;
  }

  carry(deliver) {
    const now = this.#clock.now();
    this.#last = Math.max(this.#last, now + 1 + this.#random() * 40);
    this.#clock.after(this.#last - now, deliver);
  }
}
