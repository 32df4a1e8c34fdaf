// The connection to the operator: all rows first, then what changes. A lost one is taken up where it ended.

const STALE = 7000; // Milliseconds without an event; there is one every 3 s.
const AGAIN = 2000;

export class Stream {
  constructor({ onEvent, onState }) {
    this.onEvent = onEvent;
    this.onState = onState;
    this.last = "";
    this.heard = 0;
    this.begun = Date.now();
    this.standby = false;
    this.open();
    setInterval(() => this.look(), 500);
  }

  open() {
    this.source?.close();
    const after = this.last ? `?after=${encodeURIComponent(this.last)}` : "";
    this.source = new EventSource(`api/v1/stream${after}`);
    this.opened = Date.now();
    for (const kind of ["all", "update"]) {
      this.source.addEventListener(kind, (event) => {
        const told = JSON.parse(event.data);
        this.standby = !told.operator.leading;
        this.onEvent(kind, told);
        // What could not be shown was not heard, and is asked for again.
        this.last = event.lastEventId;
        this.heard = Date.now();
        this.look();
      });
    }
    this.source.onerror = () => this.look();
  }

  look() {
    const silent = Date.now() - (this.heard || this.begun);
    const reached = this.heard > 0 && silent < STALE;
    this.onState({ live: reached && !this.standby, standby: reached && this.standby, heard: this.heard, silent });
    // A browser gives up after an error that is no network's. And another connection may lead to who leads.
    const closed = this.source.readyState === EventSource.CLOSED;
    const open = Date.now() - this.opened;
    // The rows of a large fleet may be long on their way, so a new connection has time as well.
    if (((closed || this.standby) && open > AGAIN) || Math.min(silent, open) > 2 * STALE) this.open();
  }
}
