// The table of all QueueConsumers: the worst first, and no cell touched that has not changed.

import { STATES, drawn, element, moved, number, target, waiting, when } from "./words.js";

const FIRST = 200; // Rows that are shown until somebody asks for all.
const ORDER = Object.keys(STATES);
const NAME = 1; // The cell that is its row's heading.

const id = (row) => `${row.namespace}/${row.name}`;

function worstFirst(a, b) {
  return ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || late(b) - late(a) || lag(b) - lag(a)
    || (id(a) < id(b) ? -1 : 1);
}
const late = (row) => (row.objectiveSeconds ? (row.waitSeconds ?? 0) / row.objectiveSeconds : 0);
const lag = (row) => (row.ready ?? 0) + (row.unacked ?? 0);

/** What is not known is a line of dotsat the bottom. */
function curve(digits) {
  const step = 66 / (digits.length - 1 || 1);
  const x = (i) => (i * step).toFixed(1);
  const parts = [];
  let end = 0;
  const unknown = (until) => { if (until > end) parts.push(drawn("line", { class: "unknown", x1: x(end), y1: 15.5, x2: x(until), y2: 15.5 })); };
  for (const { 0: known, index } of digits.matchAll(/\d+/g)) {
    // One alone is drawn as long as the way to the next would be.
    const [begin, levels] = known.length > 1 ? [index, known] : [Math.max(Math.min(index - 0.5, digits.length - 2), 0), known + known];
    unknown(begin);
    end = begin + levels.length - 1;
    const points = [...levels].map((digit, i) => `${x(begin + i)},${15 - digit * 1.5}`).join(" ");
    parts.push(drawn("polygon", { points: `${x(begin)},16 ${points} ${x(end)},16`, stroke: "none" }), drawn("polyline", { points, fill: "none" }));
  }
  unknown(digits.length - 1);
  return drawn("svg", { class: "curve", width: 66, height: 16, viewBox: "0 0 66 16", "aria-hidden": "true" }, ...parts);
}

/** Whether the sentence of the last decision has nothing that the one of the state has not. */
function same(row) {
  const why = row.words?.slice(row.words.indexOf(": ") + 2).replace(/…$/, "");
  return Boolean(why && row.message) && (row.words.endsWith(row.message) || (row.words.endsWith("…") && row.message.startsWith(why)));
}

function span(row) {
  const of = Math.max(row.max, row.current ?? 0, row.desired ?? 0, 1);
  const x = (n) => (60 * n) / of;
  return drawn("svg", { class: "span", width: 62, height: 10, viewBox: "0 0 62 10", "aria-hidden": "true" },
    drawn("rect", { class: "all", x: x(row.min), y: 3, width: Math.max(x(row.max) - x(row.min), 1), height: 4 }),
    drawn("rect", { class: "now", x: 0, y: 3, width: x(row.current ?? 0), height: 4 }),
    drawn("rect", { class: "wanted", x: x(row.desired ?? 0), y: 0, width: 2, height: 10 }));
}

const CELLS = [
  ["", (row) => [element("span", { class: "state" }, STATES[row.state].join(" ")),
    row.observes ? element("span", { class: "small faint" }, " observes") : null]],
  ["", (row) => [element("a", { href: target(row) }, id(row)),
    element("div", { class: "small faint" }, [row.target, row.queues].filter(Boolean).join(" ←\u00a0"))]],
  ["Lag", (row, now) => (row.ready === undefined
    ? [element("span", { class: "faint" }, "not known"), element("div", { class: "small over" }, ...(row.readAt ? ["read ", when(row.readAt, now)] : ["never read"]))]
    : [row.curve ? curve(row.curve) : null, `${number(row.ready)} ready`,
      element("div", { class: "small faint" }, row.unacked === undefined ? "unacked not known" : `${number(row.unacked)} unacked`),
      row.readAt ? element("div", { class: "small over" }, "read ", when(row.readAt, now)) : null])],
  ["Wait", (row) => (!row.objectiveSeconds ? [element("span", { class: "faint" }, "no objective")]
    : row.waitSeconds === undefined ? [element("span", { class: "faint" }, "not known"), element("div", { class: "small faint" }, `of ${waiting(row.objectiveSeconds)}`)]
      : [element("span", { class: late(row) > 1 ? "over" : "" }, `${waiting(row.waitSeconds)} of ${waiting(row.objectiveSeconds)}`)])],
  ["Replicas", (row) => [row.current === undefined ? element("span", { class: "faint" }, "not known") : row.current === row.desired ? `${number(row.current)}` : `${number(row.current)} → ${number(row.desired)}`,
    row.max === undefined ? null : span(row),
    element("div", { class: "small faint" }, row.max === undefined ? "" : `${row.min} to ${row.max}`)]],
  ["Why", (row) => [row.words ? element("div", { class: "clamp" }, row.words) : null,
    same(row) ? null : element("div", { class: row.words ? "clamp small faint" : "clamp" },
      [row.reason, row.message].filter(Boolean).join(": ") + (row.limitedBy && row.limitedBy !== "none" ? ` (limit: ${row.limitedBy})` : ""))]],
  ["Last change", (row, now) => (row.moved
    ? [moved(row.moved), element("div", { class: "small faint" }, when(row.moved.time, now))]
    : [element("span", { class: "faint" }, "none known")])],
];

export class Table {
  constructor(table) {
    this.body = table.tBodies[0];
    table.classList.add("stacks");
    this.rows = new Map();
    this.lines = new Map();
    this.only = "";
    this.words = "";
    this.all = false;
  }

  /** What is shown stays until it is brought up to date. */
  clear() { this.rows.clear(); }

  put(row) { this.rows.set(id(row), row); }

  drop(key) { this.rows.delete(key); }

  /** Bring what is shown up to date; returns how many rows fit the filter and how many of them are shown. */
  show(now) {
    const words = this.words.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) => (!this.only || row.state === this.only) && (!words.length || matches(row, words));
    const found = [...this.rows.values()].filter(fits).sort(worstFirst);
    const shown = this.all ? found : found.slice(0, FIRST);
    const kept = new Set(shown.map(id));
    for (const [key, { line }] of this.lines) if (!kept.has(key)) { line.remove(); this.lines.delete(key); }
    const focused = document.activeElement;
    shown.forEach((row, i) => {
      const line = this.line(row, now);
      if (this.body.children[i] !== line) this.body.insertBefore(line, this.body.children[i] ?? null);
    });
    // A row that was moved has lost the focus.
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
    return [found.length, shown.length];
  }

  line(row, now) {
    const key = id(row);
    let known = this.lines.get(key);
    if (!known) {
      const line = element("tr", {}, ...CELLS.map(([label], i) => (i === NAME
        ? element("th", { scope: "row" }) : element("td", label ? { "data-label": label } : {}))));
      known = { line, row: null };
      this.lines.set(key, known);
    }
    if (known.row !== row) {
      known.line.dataset.state = row.state;
      CELLS.forEach(([, fill], i) => {
        // Focus stays on a link that stays.
        if (i !== NAME || !known.row || known.row.target !== row.target || known.row.queues !== row.queues) {
          known.line.cells[i].replaceChildren(...fill(row, now).filter(Boolean));
        }
      });
      known.row = row;
    }
    return known.line;
  }
}

function matches(row, words) {
  const text = [row.namespace, row.name, row.queues, row.target, row.reason, row.words, row.broker, STATES[row.state][1]]
    .join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}
