// Elements and words. Text is only ever set as text, so no name or message can become HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; children that are no elements are text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** An SVG element. */
export function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Each state with its sign: colour is never alone. The order is the page's: the worst first. */
export const STATES = {
  late: ["✖", "late"],
  notReady: ["!", "not ready"],
  silent: ["?", "silent"],
  limited: ["⤒", "at its limit"],
  paused: ["‖", "paused"],
  working: ["●", "working"],
  idle: ["○", "idle"],
};

export const number = (value) => (value === undefined || value === null ? "?" : value.toLocaleString("en"));

/** So many of something. */
export const many = (count, what) => (count === undefined || count === null ? `${what}s not known` : `${number(count)} ${what}${count === 1 ? "" : "s"}`);

/** Seconds in so many words as are useful. */
export function lasting(seconds) {
  const s = Math.max(Math.round(seconds), 0);
  if (s < 100) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
}

/** How long something waits, next to an objective: minutes alone would hide by how much. */
export const waiting = (seconds) => (seconds < 600 ? `${Math.round(seconds)} s` : lasting(seconds));

export const seconds = (time) => Date.parse(time) / 1000;

/** A time of the day, to the second and of 24 hours wherever somebody is. */
export const daytime = (at) => new Date(at * 1000).toLocaleTimeString([], { hourCycle: "h23" });

/** When something happened: how long ago, and the time itself for a pointer or a program. */
export function when(time, now) {
  return element("time", { datetime: time, title: time }, ago(time, now));
}

/** Let what `when` has made grow older. */
export function age(now) {
  for (const time of document.querySelectorAll("time")) {
    const text = ago(time.dateTime, now);
    if (time.textContent !== text) time.textContent = text;
  }
}

const ago = (time, now) => `${lasting(now - seconds(time))} ago`;

/** A change of replicas, with a sign for its direction. */
export function moved(change) {
  const up = change.to > change.from;
  return element("span", { class: up ? "up" : "down" }, `${up ? "▲" : "▼"} ${change.from} → ${change.to}`);
}

export const target = (row) => `#/${encodeURIComponent(row.namespace)}/${encodeURIComponent(row.name)}`;
