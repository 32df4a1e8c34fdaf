// The course of one QueueConsumer: charts above each other on one time axis, through which its decisions go as lines.
// uPlot draws.

/* global uPlot */
import { daytime, lasting, number, seconds } from "./words.js";

const CHARTS = [
  { name: "Lag", unit: "messages", series: [["ready", "ready", "--one"], ["unacked", "unacked", "--two"]] },
  { name: "Wait against objective", unit: "seconds", series: [["wait", "wait", "--one"], ["objective", "objective", "--bad", true]],
    without: "No queue of it has a wait objective." },
  { name: "Arrivals against capacity", unit: "messages per second", series: [["arrivals", "arrivals", "--one"], ["capacity", "capacity of the pods", "--two"]],
    without: "Not known. Rates are read where a target needs them; lag alone does without." },
  { name: "Replicas", unit: "pods", series: [["current", "pods", "--one"], ["desired", "wanted", "--two", true]], bounds: true },
];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** What a chart shows, in a sentence for who cannot see it. */
function told(chart, columns) {
  const known = chart.series.map(([key, label]) => {
    const values = (columns[key] ?? []).filter((value) => value !== null);
    if (!values.length) return `${label} not known`;
    return `${label} ${number(values[values.length - 1])}, between ${number(Math.min(...values))} and ${number(Math.max(...values))}`;
  });
  return `${chart.name}, ${chart.unit}: ${known.join("; ")}`;
}

const place = (plot, change) => Math.round(plot.valToPos(seconds(change.time), "x", true)) + 0.5;
const tone = (change) => colour(change.to > change.from ? "--up" : "--down");

/** Beneath the curves: the replicas that are allowed, and a line for each change. */
function marks(view, row, bounds) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    if (bounds && row.max !== undefined) {
      const [top, bottom] = [plot.valToPos(row.max, "y", true), plot.valToPos(row.min, "y", true)];
      ctx.fillStyle = colour("--band");
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    }
    ctx.setLineDash([2, 3]);
    let last = Infinity;
    for (const change of view.history) {
      const x = place(plot, change);
      // Lines side by side would be one that is thick. The latest of them is drawn.
      if (last - x < 3 * devicePixelRatio) continue;
      last = x;
      ctx.strokeStyle = tone(change);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };
}

/** Above the curves: to how many replicas each change was, as far as there is room. The latest has it first. */
function labels(view) {
  return (plot) => {
    const { ctx, bbox } = plot;
    const high = 13 * devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    let free = Infinity;
    for (const change of view.history) {
      const x = place(plot, change);
      const words = `${change.to > change.from ? "▲" : "▼"}${change.to}`;
      const width = ctx.measureText(words).width + 4;
      const left = x + 1 + width > bbox.left + bbox.width ? x - 1 - width : x + 1;
      if (x < bbox.left || left < bbox.left || left + width > free) continue;
      ctx.fillStyle = colour("--back");
      ctx.fillRect(left, bbox.top, width, high);
      ctx.fillStyle = tone(change);
      ctx.fillText(words, left + 2, bbox.top + high / 2);
      free = left;
    }
    ctx.restore();
  };
}

const WHOLE = [...Array(9).keys()].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));

function axis(size, extra = {}) {
  return { stroke: () => colour("--faint"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, size, ...extra };
}

export class Charts {
  /** `drawn` is told which span of time they show, in seconds. */
  constructor(place, drawn) {
    this.place = place;
    this.drawn = drawn;
    this.chosen = null;
    this.plots = [];
    this.width = 0;
    this.watcher = new ResizeObserver(() => { if (this.view && Math.abs(this.width - this.room()) > 8) this.draw(this.view); });
    this.watcher.observe(place);
  }

  /** Draw no more. uPlot keeps a plot until it is destroyed, and tells each that it keeps where the pointer is. */
  close() {
    this.watcher.disconnect();
    this.clear();
  }

  clear() {
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
  }

  room() { return Math.max(Math.min(this.place.clientWidth, this.place.querySelector("figure")?.clientWidth || Infinity), 240); }

  /** Whether one of them is under a pointer, which a redraw would take the values from. */
  get watched() { return this.place.matches(":hover") && this.plots.some((plot) => plot.cursor.left >= 0); }

  draw(view) {
    this.view = view;
    const row = view.row;
    const at = view.series.at;
    const now = at[at.length - 1] ?? Date.now() / 1000;
    // A course that has just begun would be a line at the edge of half an hour.
    const span = this.chosen ?? (at.length && now - at[0] > SPANS[0][0] ? SPANS[1][0] : SPANS[0][0]);
    this.drawn(span);
    const columns = { ...view.series, objective: at.map(() => row.objectiveSeconds ?? null) };
    this.clear();
    const figures = CHARTS.map((chart) => {
      const figure = document.createElement("figure");
      figure.setAttribute("role", "img");
      figure.setAttribute("aria-label", told(chart, columns));
      const caption = document.createElement("figcaption");
      const unit = document.createElement("span");
      unit.textContent = ` ${chart.unit}`;
      caption.append(chart.name, unit);
      figure.append(caption);
      return figure;
    });
    this.place.replaceChildren(...figures);
    this.width = this.room();
    const known = CHARTS.map((chart) => (columns[chart.series[0][0]] ?? []).some((value) => value !== null));
    const lowest = known.lastIndexOf(true);
    CHARTS.forEach((chart, i) => {
      if (!known[i]) {
        const note = document.createElement("p");
        note.className = "faint";
        note.textContent = (i === 1 ? row.objectiveSeconds === undefined : i === 2) && chart.without ? chart.without : "Not known yet.";
        figures[i].append(note);
        return;
      }
      this.plots.push(new uPlot({
        width: this.width,
        height: i === lowest ? 132 : 110,
        padding: [6, 26, 0, 0], // On the right, room for half of a time.
        cursor: { sync: { key: "course" }, y: false, points: { size: 6 } },
        legend: {
          mount: (_, legend) => figures[i].firstChild.append(legend),
          markers: { fill: (_, own) => (own && !chart.series[own - 1][3] ? colour(chart.series[own - 1][2]) : null) },
        },
        scales: { x: { range: () => [now - span, now] }, y: { range: (_, low, high) => (chart.bounds ? [0, Math.max(high ?? 1, row.max ?? 1) * 1.3] : [0, Math.max(high ?? 1, 1) * 1.1]) } },
        // Messages and pods are whole.
        axes: [i === lowest ? axis(28, { values: clock, space }) : axis(6, { values: (_, ticks) => ticks.map(() => ""), space }), axis(52, {
          values: (_, ticks) => ticks.map((tick) => (tick >= 10000 ? `${tick / 1000}k` : String(tick))),
          ...(chart.unit === "messages" || chart.unit === "pods" ? { incrs: WHOLE } : {}),
        })],
        series: [{ label: "at", value: (_, value) => (value === null ? "now" : daytime(value)) },
          ...chart.series.map(([, label, name, dashed]) => ({
            label,
            stroke: () => colour(name),
            width: 1.5,
            dash: dashed ? [5, 4] : undefined,
            points: { show: false },
            paths: uPlot.paths.stepped({ align: 1 }),
            value: (plot, value, own, pointed) => {
              const shown = pointed === null ? plot.data[own].at(-1) : value;
              return shown === null || shown === undefined ? "–" : number(shown);
            },
          }))],
        hooks: { drawClear: [marks(view, row, chart.bounds)], draw: chart.bounds ? [labels(view)] : [] },
      }, [at, ...chart.series.map(([key]) => columns[key])], figures[i]));
    });
  }
}

/** Pixels that a time needs. With less room than this they are of minutes. */
const space = (plot, own, low, high, room) => (room < 450 ? 45 : 65);

function clock(plot, ticks, own, room, apart) {
  const second = apart < 60 ? "2-digit" : undefined;
  return ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second, hourCycle: "h23" }));
}

export const SPANS = [300, 1800, 7200, 21600].map((span) => [span, lasting(span)]);
