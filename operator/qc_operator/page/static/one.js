// One QueueConsumer: its course, why it has as many replicas, what was done, its YAML.

import { Charts, SPANS } from "./charts.js";
import { STATES, daytime, element, lasting, many, moved, number, waiting, when } from "./words.js";

async function copied(button, text, pre) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Only pages of localhost or https may write the clipboard: then it is selected, to be copied by hand.
    pre.textContent = text;
    pre.closest("details").open = true;
    getSelection().selectAllChildren(pre);
    button.textContent = "Selected: copy it";
    return;
  }
  const label = button.textContent;
  button.textContent = document.getElementById("said").textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1500);
}

/** The steps as text, for a chat or a ticket. */
function asText({ row, decision }) {
  const lines = decision.steps.map((step, i) => `${i + 1}. ${step.step} ${step.replicas}: ${step.message} [${step.source}, ${step.observed ? "observed" : "estimated"}]`);
  return `${row.namespace}/${row.name}: ${decision.from} -> ${decision.to}, ${decision.reason}, limited by ${decision.limitedBy} (${decision.time})\n${lines.join("\n")}\n`;
}

export class One {
  /** `now` says what time it is for the operator, in seconds; `standsBy` whether all else comes from a pod that does not lead. */
  constructor(place, now, standsBy) {
    this.place = place;
    this.now = now;
    this.standsBy = standsBy;
    this.key = null;
    this.asked = 0;
  }

  /** Begin with another one, or with none. */
  open(key) {
    if (key === this.key) return;
    this.key = key;
    this.leave();
    this.place.replaceChildren(key === null ? "" : element("p", { class: "faint" }, "Loading…"));
    if (key !== null) this.load();
  }

  /** Ask again, at most once a second. */
  async load() {
    const key = this.key;
    if (key === null) return;
    if (this.waiting) return;
    const early = this.asked + 1000 - Date.now();
    if (early > 0 && this.charts) return this.later(early);
    this.asked = Date.now();
    let response, answer;
    try {
      response = await fetch(`api/v1/queueconsumers/${key.map(encodeURIComponent).join("/")}`);
      answer = await response.json();
    } catch {
      if (key === this.key && !this.charts) this.lost("the operator does not answer");
      return;
    }
    if (key !== this.key) return;
    if (response.ok) this.show(answer);
    // Behind a Service, another pod may have been asked than the one that all else comes from.
    else if (response.status !== 503 || this.standsBy()) this.lost(answer.error);
    else if (!this.charts) this.later(500);
  }

  later(milliseconds) {
    this.waiting ??= setTimeout(() => { this.waiting = null; this.load(); }, milliseconds);
  }

  leave() {
    this.charts?.close();
    this.charts = null;
  }

  lost(why) {
    this.leave();
    this.place.replaceChildren(element("p", {}, element("a", { href: "#/" }, "← all")), element("h2", { tabindex: "-1" }, this.key.join("/")),
      element("p", { class: "alarm" }, why));
  }

  frame() {
    this.parts = {};
    const part = (name, tag = "div", attributes = {}) => (this.parts[name] = element(tag, attributes));
    const spans = element("div", { class: "buttons", role: "group", "aria-label": "Time shown" });
    const charts = element("div", { class: "charts" });
    this.place.replaceChildren(
      element("p", {}, element("a", { href: "#/" }, "← all")), part("head"), spans, charts,
      part("why"), element("h2", {}, "Changes of replicas"), part("changes", "ol", { class: "log" }),
      element("h2", {}, "Queues"), part("queues"), element("h2", {}, "Conditions"), part("conditions", "table", { class: "stacks" }),
      element("details", {}, element("summary", {}, "YAML"), part("yaml", "pre", { tabindex: "0" })),
      element("details", { toggle: () => this.figures() }, element("summary", {}, "The figures as a table"),
        element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "The figures as a table" }, part("figures", "table", { class: "small" }))));
    this.charts = new Charts(charts, (span) => SPANS.forEach(([each], i) => spans.children[i].setAttribute("aria-pressed", each === span)));
    for (const [span, label] of SPANS) {
      spans.append(element("button", { type: "button", click: () => { this.charts.chosen = span; this.charts.draw(this.charts.view); } }, label));
    }
  }

  /** Fill a part anew, unless somebody is selecting text in it. */
  fill(name, ...children) {
    const part = this.parts[name];
    const chosen = getSelection();
    if (chosen.isCollapsed || !part.contains(chosen.anchorNode)) part.replaceChildren(...children);
  }

  show(view) {
    const begun = !this.charts;
    this.view = view;
    if (begun) this.frame();
    const { row } = view;
    const now = this.now();
    this.place.dataset.state = row.state;
    this.fill("head",
      element("h2", { tabindex: "-1" }, `${row.namespace}/${row.name} `, element("span", { class: "state" }, STATES[row.state].join(" "))),
      ...(row.words ? [element("p", { class: row.state === "paused" ? "" : "alarm" }, row.words)] : []),
      element("dl", { class: "facts" }, ...facts(view).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)))));
    if (!this.charts.view || !this.charts.watched) this.charts.draw(view);
    this.why(view);
    this.fill("changes", ...view.history.map((change) => element("li", {},
      when(change.time, now), moved(change), ` ${change.reason}: ${change.message}`,
      change.limitedBy === "none" ? "" : element("span", { class: "faint" }, ` (limit: ${change.limitedBy})`))),
    view.history.length ? "" : element("li", { class: "faint" }, "None yet."));
    this.fill("queues", ...view.queues.map((queue) => element("p", {}, ...words(queue, now))));
    this.fill("conditions",
      element("thead", {}, element("tr", {}, ...["Condition", "Status", "Since", "Why"].map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...view.conditions.map((condition) => element("tr", {},
        element("td", { class: "whole" }, condition.type), element("td", { class: "whole" }, condition.status),
        element("td", { class: "whole" }, condition.lastTransitionTime ? when(condition.lastTransitionTime, now) : ""),
        element("td", { class: "words" }, `${condition.reason}: ${condition.message}`)))));
    this.fill("yaml", view.yaml);
    this.figures();
    if (begun) this.parts.head.firstChild.focus({ preventScroll: true });
  }

  why(view) {
    const { decision, yaml, raised } = view;
    if (!decision.steps.length) {
      this.fill("why", element("h2", {}, "Why?"), element("p", { class: "faint" }, "No decision was made yet."));
      return;
    }
    const copy = (label, text) => element("button", { type: "button", click: (event) => copied(event.target, text, this.parts.yaml) }, label);
    const focused = [...this.parts.why.querySelectorAll("button")].indexOf(document.activeElement);
    const steps = element("tbody", { id: "why-steps" }, ...decision.steps.map((step) => element("tr", {},
      element("td", { class: "whole" }, plain(step.step)), element("td", { class: "whole", "data-label": "replicas" }, number(step.replicas)), element("td", { class: "words" }, step.message),
      element("td", { class: "source small faint" }, `${step.observed ? "observed" : "estimated"}, ${step.source}`))));
    this.fill("why",
      element("h2", {}, `Why ${decision.to}?`),
      element("p", { class: "answer" }, `${decision.reason}: ${decision.message}`,
        decision.limitedBy === "none" ? "" : element("span", { class: "faint" }, ` (limit: ${decision.limitedBy})`)),
      decision.time ? element("p", { class: "then small faint" }, "decided ", when(decision.time, this.now()), ", by the figures of then") : "",
      element("table", { class: "stacks" }, element("thead", {}, element("tr", {},
        ...["Step", "Replicas", "In words", "Known from"].map((name) => element("th", { scope: "col" }, name)))), steps),
      element("div", { class: "buttons" }, copy("Copy as text", asText(view)), yaml ? copy("Copy YAML", yaml) : null,
        raised ? copy(`Copy YAML with maxReplicas ${raised.maxReplicas}`, raised.yaml) : null));
    if (focused >= 0) this.parts.why.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
  }

  figures() {
    const { series } = this.view;
    if (!this.parts.figures.closest("details").open) return;
    const names = Object.keys(series);
    const rows = series.at.map((_, i) => i).slice(-40).reverse();
    this.fill("figures",
      element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, HEADS[name] ?? name)))),
      element("tbody", {}, ...rows.map((i) => element("tr", {}, ...names.map((name) => element("td", {},
        name === "at" ? daytime(series.at[i]) : series[name][i] === null ? "–" : number(series[name][i])))))));
  }
}

/** What columns of figures are called elsewhere. */
const HEADS = { at: "from", wait: "wait, s", arrivals: "arrivals/s", capacity: "capacity/s", current: "pods", desired: "wanted" };

/** What is known of it at a glance: names and words. */
function facts({ row, startSeconds }) {
  const said = [["target", row.target], ["replicas", [
    row.current === row.desired ? many(row.current, "pod") : `${many(row.current, "pod")}, ${number(row.desired)} wanted`,
    row.max === undefined ? "" : `${row.min} to ${row.max} allowed`].filter(Boolean).join(", ")]];
  said.push(["lag", row.ready === undefined ? "not known"
    : `${number(row.ready)} ready, ${row.unacked === undefined ? "unacked not known" : `${number(row.unacked)} unacked`}`]);
  if (row.objectiveSeconds) said.push(["wait", `${row.waitSeconds === undefined ? "not known" : waiting(row.waitSeconds)}, objective ${waiting(row.objectiveSeconds)}`]);
  if (row.arrivals !== undefined) said.push(["arrivals", `${number(row.arrivals)}/s`]);
  if (row.capacity !== undefined) said.push(["capacity of the pods", `${number(row.capacity)}/s`]);
  if (startSeconds) said.push(["a pod's first message", `${lasting(Number(startSeconds))} after its creation`]);
  said.push(["broker", row.broker]);
  if (row.observes) said.push(["mode", "Observe: nothing is written"]);
  return said.filter(([, value]) => value);
}

/** The name of a step in words: `busyFloor` is one of the status, for programs. */
const plain = (name) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function words(queue, now) {
  const said = [`${queue.name}${queue.vhost ? ` in vhost ${queue.vhost}` : ""}: ${queue.state}`];
  if (queue.matched !== undefined) said.push(queue.matched === 1 ? "1 queue matches" : `${number(queue.matched)} queues match`);
  if (queue.ready !== undefined) said.push(`${number(queue.ready)} ready`);
  if (queue.unacknowledged !== undefined) said.push(`${number(queue.unacknowledged)} unacked`);
  if (queue.arrivalsPerSecond) said.push(`${queue.arrivalsPerSecond}/s arrive`);
  if (queue.acknowledgementsPerSecond) said.push(`${queue.acknowledgementsPerSecond}/s acknowledged`);
  if (queue.throughputPerReplica) said.push(`a pod does ${queue.throughputPerReplica}/s (${queue.throughputFrom})`);
  if (queue.message) said.push(queue.message);
  if (queue.state === "Read") return [said.join(" · ")];
  return [said.join(" · "), " · ", ...(queue.readAt ? ["read ", when(queue.readAt, now)] : ["never read"])];
}
