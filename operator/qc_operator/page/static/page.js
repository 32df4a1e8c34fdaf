// The page: what comes by the stream is shown, and the address says whether that is all or one QueueConsumer.

import { One } from "./one.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";
import { STATES, age, daytime, element, lasting, many, moved, number, seconds, target, when } from "./words.js";

const $ = (id) => document.getElementById(id);
const table = new Table($("rows"));
const SAID = 10_000; // Milliseconds between two summaries that a screen reader reads out.
const LATEST = 12;
const GONE = 10_000; // Milliseconds without a word after which the pod may be no more.

let operator = null;
let version;
let drift = 0;
let scalings = [];
let held = false;
let saidAt = 0;

const now = () => Date.now() / 1000 + drift;
const one = new One($("one"), now, () => stream.standby);

const stream = new Stream({
  onEvent(kind, told) {
    version ??= told.operator.version;
    // Other scripts go with another version. Who holds still is shown nothing new, not even the page.
    if (version !== told.operator.version && !held) return location.reload();
    operator = told.operator;
    drift = operator.now - Date.now() / 1000;
    if (kind === "all") { table.clear(); scalings = []; }
    for (const [namespace, name] of told.gone) table.drop(`${namespace}/${name}`);
    for (const row of told.rows) table.put(row);
    scalings = latest([...told.scalings.reverse(), ...scalings]);
    if (!held) show();
    const key = one.key;
    if (key && !held && told.rows.some((row) => row.namespace === key[0] && row.name === key[1])) one.load();
    say(told.scalings);
  },
  onState({ live, standby, heard, silent }) {
    $("live").dataset.live = live ? "yes" : "no";
    $("live").textContent = live ? (held ? "live, held still" : "live") : !heard ? "connecting" : standby ? "stands by" : `not live for ${lasting(silent / 1000)}`;
    // A screen reader says an alarm anew whenever its words change: there is no age in them.
    if (standby) elsewhere();
    else if (heard && !live) lost(heard, silent > GONE);
    else if (!heard && silent > GONE) alarm("Nothing comes from the operator: it does not answer, fifty look on already, or this page is of another version and is to be loaded anew. Trying again.");
    else alarm("");
  },
});

/** Each once, the latest first: a pod that begins to lead tells anew of what was done before. */
function latest(changes) {
  const each = new Map(changes.map((change) => [[change.namespace, change.name, change.time, change.from, change.to].join(" "), change]));
  return [...each.values()].sort((a, b) => seconds(b.time) - seconds(a.time)).slice(0, LATEST);
}

function elsewhere() {
  const who = operator.leader;
  const words = `This pod, ${operator.pod}, stands by, and shows nothing: ${who ? `${who} leads` : "nobody is known to lead"}.`;
  if (who && operator.namespace) alarm(`${words} To look there by kubectl port-forward, end the one that leads here, if any, and run`, forward(`pod/${who}`));
  else alarm(words);
}

function lost(heard, gone) {
  const words = `Nothing was heard from the operator since ${daytime(heard / 1000)}: what is shown may be out of date. Trying again.`;
  if (!gone || !operator.lease) alarm(words);
  else alarm(`${words} A kubectl port-forward leads to one pod, which may be gone: end it, and to go on with the pod that leads now, run`,
    `leader=$(kubectl -n ${operator.namespace} get lease ${operator.lease} -o jsonpath='{.spec.holderIdentity}')`, forward('"pod/${leader%_*}"'));
}

/** The command after which this very address leads to a pod. */
function forward(pod) {
  const here = location.pathname === "/" && location.port;
  const ports = here && Number(here) !== operator.port ? `${here}:${operator.port}` : operator.port;
  return `kubectl -n ${operator.namespace} port-forward ${pod} ${ports}`;
}

function alarm(text, ...commands) {
  $("alarm").hidden = !text;
  const [words, code] = $("alarm").children;
  if (words.textContent !== text) words.textContent = text;
  code.hidden = !commands.length;
  if (code.textContent !== commands.join("\n")) code.textContent = commands.join("\n");
}

function show() {
  const counts = operator.counts;
  const [found, shown] = table.show(now());
  $("about").textContent = [operator.name, operator.pod === operator.name ? "" : operator.pod, operator.shard && `shard ${operator.shard}: the QueueConsumers of this shard only`].filter(Boolean).join(" · ");
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  buttons(counts, total);
  $("totals").textContent = `${many(operator.pods, "pod")} of ${many(total, "QueueConsumer")} · in the last hour +${number(operator.added)} and −${number(operator.removed)} replicas`;
  $("none").hidden = found > 0 || !operator.leading;
  $("none").textContent = total ? "None of them fits." : "None is served yet. One that is applied, or taken over from another pod, appears here by itself.";
  $("shown").textContent = found === total ? "" : `${number(found)} of ${number(total)}`;
  $("more").hidden = shown === found;
  $("more").firstChild.textContent = `Show ${number(found - shown)} more`;
  $("scalings").replaceChildren(...scalings.map((scaling) => element("li", {}, when(scaling.time, now()), moved(scaling), " ",
    element("a", { href: target(scaling) }, `${scaling.namespace}/${scaling.name}`), ` ${scaling.reason}: ${scaling.message}`)));
  if (!scalings.length) $("scalings").append(element("li", { class: "faint" }, "None is known."));
  const bad = (counts.late ?? 0) + (counts.notReady ?? 0);
  document.title = `${one.key ? `${one.key.join("/")} · ` : ""}${bad ? `(${bad}) ` : ""}QueueConsumers`;
}

function buttons(counts, total) {
  const wanted = [["", "all", total], ...Object.entries(STATES).map(([state, words]) => [state, words.join(" "), counts[state] ?? 0])];
  const place = $("states");
  if (!place.childElementCount) {
    for (const [state] of wanted) {
      place.append(element("button", { type: "button", "data-state": state, click: () => { table.only = table.only === state ? "" : state; show(); } }));
    }
  }
  wanted.forEach(([state, words, count], i) => {
    const button = place.children[i];
    const text = `${number(count)} ${words}`;
    if (button.textContent !== text) button.textContent = text;
    button.classList.toggle("state", state !== "" && count > 0);
    button.setAttribute("aria-pressed", table.only === state);
  });
}

function say(news) {
  if (Date.now() - saidAt < SAID) return;
  const counts = Object.entries(STATES).filter(([state]) => operator.counts[state]).map(([state, [, words]]) => `${operator.counts[state]} ${words}`);
  const [last] = scalings;
  const moves = news.includes(last) ? ` Latest: ${last.namespace}/${last.name} from ${last.from} to ${many(last.to, "replica")}.` : "";
  const text = `${counts.join(", ")}.${moves}`;
  if ($("said").textContent === text) return;
  $("said").textContent = text;
  saidAt = Date.now();
}

function route() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);
  if (location.hash === "#main") return;
  let key = null;
  try { key = parts.length === 2 ? parts.map(decodeURIComponent) : null; } catch { key = null; }
  const back = one.key;
  one.open(key);
  $("one").hidden = key === null;
  $("fleet").hidden = key !== null;
  if (operator) show();
  if (key === null && back) document.querySelector(`#rows a[href="${CSS.escape(target({ namespace: back[0], name: back[1] }))}"]`)?.focus();
}

function hold() {
  held = !held;
  $("hold").setAttribute("aria-pressed", held);
  if (held || !operator) return;
  show();
  one.load();
}

function store(name, value) {
  try { localStorage.setItem(name, value); } catch { /* It is forgotten with the page then. */ }
}

function stored(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

function theme() {
  const root = document.documentElement;
  const next = { undefined: "dark", dark: "light", light: undefined }[root.dataset.theme];
  if (next) root.dataset.theme = next; else delete root.dataset.theme;
  store("theme", next ?? "");
  $("theme").textContent = next ? `Theme: ${next}` : "Theme";
  one.charts?.view && one.charts.draw(one.charts.view);
}

function step(by) {
  const links = [...document.querySelectorAll("#rows tbody a")];
  const at = links.indexOf(document.activeElement);
  links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

const KEYS = {
  "/": () => $("filter").focus(),
  j: () => step(1),
  k: () => step(-1),
  g: () => document.querySelector("#rows tbody a")?.click(),
  p: hold,
  t: theme,
  "?": () => $("help").showModal(),
  Escape: () => { if (one.key) location.hash = "#/"; },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.target instanceof HTMLInputElement) {
    if (event.key === "Escape") { event.target.value = ""; table.words = ""; event.target.blur(); if (operator) show(); }
    return;
  }
  const act = KEYS[event.key];
  // Speech that is typed presses many keys (WCAG 2.2, 2.1.4).
  if (event.key.length === 1 && !$("bykey").checked) return;
  if (act) { event.preventDefault(); act(); }
});
$("filter").addEventListener("input", (event) => { table.words = event.target.value; if (operator) show(); });
$("more").firstChild.addEventListener("click", () => { table.all = true; show(); });
$("hold").addEventListener("click", hold);
$("theme").addEventListener("click", theme);
$("keys").addEventListener("click", KEYS["?"]);
addEventListener("hashchange", route);
$("bykey").addEventListener("change", (event) => store("keys", event.target.checked ? "" : "off"));
$("bykey").checked = stored("keys") !== "off";
if (stored("theme")) document.documentElement.dataset.theme = stored("theme");
setInterval(() => { if (!held) age(now()); }, 1000);
setInterval(() => { if (!held) one.load(); }, 10_000);
route();
