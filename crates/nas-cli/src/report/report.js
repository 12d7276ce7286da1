"use strict";
// Draws the page from the data in #data. Every text in the data is untrusted: it reaches the page
// through text nodes and attributes only, never as markup.

const report = JSON.parse(document.getElementById("data").textContent);
const runs = report.runs;
const several = runs.length > 1;

// ---------------------------------------------------------------------------------------------
// Elements and numbers

function build(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

const h = (tag, properties, ...children) => build(document.createElement(tag), properties, children);

const svg = (tag, properties, ...children) =>
  build(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);

const THIN = "\u202f";
const known = (value) => value !== null && value !== undefined;
const finite = (value) => typeof value === "number" && Number.isFinite(value);
const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, THIN);
const superscript = (digits) => digits.replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)] ?? "");

/** Four significant digits; whole numbers in full, unless they are among measured ones. */
function number(value, measured = false) {
  if (!known(value) || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (!finite(value)) return String(value);
  const sign = value < 0 ? "−" : "", size = Math.abs(value);
  if (size === 0) return "0";
  if (Number.isInteger(size) && size < 1e15 && (!measured || size >= 1e4)) return sign + grouped(String(size));
  if (size >= 1e4 && size < 1e12) return sign + grouped(size.toFixed(0));
  if (size >= 1e-3 && size < 1e4) return sign + size.toPrecision(4);
  const [digits, power] = size.toExponential(3).split("e");
  return `${sign}${digits}×10${superscript(power.replace("+", ""))}`;
}

function signed(value, measured = true) {
  return finite(value) && value > 0 ? `+${number(value, measured)}` : number(value, measured);
}

const withUnit = (text, unit) => (unit && text !== "–" ? `${text}${THIN}${unit}` : text);
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}${THIN}%`;
const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
const shorten = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** "latency [ms]" as its name and its unit. */
function splitTitle(title) {
  const found = /^(.*) \[([^\]]*)\]$/s.exec(title);
  return found ? { label: found[1], unit: found[2] } : { label: title, unit: "" };
}

const cutText = (text, properties) => h("span", { class: "cut", title: text.length > 16 ? text : null, ...properties }, text);

// ---------------------------------------------------------------------------------------------
// The data of the runs

/** Everything that is a number or a fact of each architecture: objectives, then the others. */
function columnsOf(run) {
  const column = (key, title, values, direction) => ({
    key, title, ...splitTitle(title), values, direction,
    numeric: values.some(finite),
    measured: values.some((value) => finite(value) && !Number.isInteger(value)),
  });
  const { values, others } = run.architectures;
  return [
    ...run.objectives.map((objective, i) => column(`objective ${i}`, objective.title, values[i] ?? [], objective.direction)),
    // True values are better the same way as those that the search saw.
    ...(others ?? []).map((other, i) => column(`other ${i} ${other.title}`, other.title, other.values, other.title === run.exact_front?.column ? run.objectives[0].direction : null)),
  ];
}

const valueText = (column, at) => withUnit(number(column.values[at], column.measured), column.unit);

for (const [index, run] of runs.entries()) {
  run.index = index;
  run.columns = columnsOf(run);
  run.onFront = new Map(run.front.map((at, rank) => [at, rank]));
  const last = run.name.split(/[\\/]/).filter(Boolean).pop() ?? run.name;
  const alone = runs.filter((other) => other.name.endsWith(last)).length === 1;
  run.label = alone ? last : run.name;
}

const tally = (run, positions, column) => {
  const counts = new Map();
  for (const at of positions) counts.set(run.architectures[column][at], (counts.get(run.architectures[column][at]) ?? 0) + 1);
  return counts;
};

const unconnected = (run, at) => run.architectures.connected?.[at] === false;
const positions = (run) => run.architectures.arch.map((_, at) => at);

/** Objectives of one architecture in a line: "94.60 % at 12.34 ms". */
const summary = (run, at) =>
  run.columns.slice(0, run.objectives.length).map((column) => valueText(column, at)).join(" at ").replace(/ at (?=.* at )/g, ", ");

// ---------------------------------------------------------------------------------------------
// Colours and symbols. Nothing is shown by colour alone: symbols, dashes and texts show the same.

const PALETTES = {
  light: ["#0072b2", "#d55e00", "#008f68", "#b8578e", "#a87400", "#2e93cf", "#6a4fb3", "#5f6770", "#99304f"],
  dark: ["#4da3e0", "#f07f3a", "#22bd92", "#e29cc6", "#e8b637", "#a3dcff", "#c0a0ff", "#b4bcc4", "#ff8f9c"],
};
const SYMBOLS = ["circle", "triangle", "diamond", "rect", "path://M0,0L10,0L5,10Z"];
const SHAPES = {
  circle: "M7 2a5 5 0 1 0 .01 0Z", triangle: "M7 2L12.5 12H1.500Z", diamond: "M7 1L13 7L7 13L1 7Z",
  rect: "M2.500 2.500H11.500V11.500H2.500Z", "path://M0,0L10,0L5,10Z": "M1.500 2H12.500L7 12Z",
};
const DASHES = ["solid", [7, 4], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4], [1, 2], [6, 2, 2, 2, 2, 2]];

const dark = () => document.documentElement.dataset.theme === "dark";
const palette = (i) => { const colors = PALETTES[dark() ? "dark" : "light"]; return colors[i % colors.length]; };
const symbol = (i) => SYMBOLS[i % SYMBOLS.length];
const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function swatch(i, dash = null) {
  const line = dash && svg("path", { d: "M0 7H14", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": dash === "solid" ? null : "3 2" });
  return svg("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, line ?? svg("path", { d: SHAPES[symbol(i)], fill: palette(i) }));
}

/** Colour of a choice: a scale where choices are numbers, else one of the palette. */
function choiceColor(decision, choice) {
  const amounts = decision.choices.map(Number);
  if (decision.choices.length > 1 && amounts.every(Number.isFinite)) {
    const share = (amounts[choice] - Math.min(...amounts)) / (Math.max(...amounts) - Math.min(...amounts) || 1);
    const [from, to] = dark() ? [[38, 62, 86], [125, 188, 245]] : [[219, 234, 248], [10, 88, 168]];
    return `rgb(${from.map((part, i) => Math.round(part + share * (to[i] - part))).join(", ")})`;
  }
  return palette(choice);
}

/** Black or white, whichever reads better on a colour. */
function inkOn(color) {
  const parts = color.startsWith("#") ? color.match(/\w\w/g).map((part) => parseInt(part, 16)) : color.match(/\d+/g).map(Number);
  const [r, g, b] = parts.map((part) => ((part / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
}

// ---------------------------------------------------------------------------------------------
// The drawn architecture

const choiceName = (decision, choice) => decision.choices[choice] ?? "?";
const shortName = (decision, choice) => decision.short?.[choice] ?? choiceName(decision, choice);

/** Edges on a path from input to output that no `none` interrupts. */
function liveEdges({ edges, none, decisions }, choices) {
  const open = edges.map((_, i) => choiceName(decisions[i], choices[i]) !== none);
  const last = Math.max(...edges.flat());
  const spread = (start, from, to) => {
    const reached = new Set([start]);
    for (let before = -1; before !== reached.size;) {
      before = reached.size;
      edges.forEach((edge, i) => { if (open[i] && reached.has(edge[from])) reached.add(edge[to]); });
    }
    return reached;
  };
  const ahead = spread(0, 0, 1), behind = spread(last, 1, 0);
  return edges.map(([from, to], i) => open[i] && ahead.has(from) && behind.has(to));
}

/** A lane above (positive) or below (negative) the nodes for each edge that skips nodes. */
function lanesOf(edges) {
  const lanes = new Map(), taken = new Map();
  const long = edges.map((_, i) => i).filter((i) => edges[i][1] - edges[i][0] > 1);
  long.sort((a, b) => edges[a][1] - edges[a][0] - (edges[b][1] - edges[b][0]));
  for (const i of long) {
    for (let step = 1; !lanes.has(i); step += 1) {
      const lane = step % 2 ? (step + 1) / 2 : -step / 2;
      const others = taken.get(lane) ?? [];
      const free = others.every(([from, to]) => to <= edges[i][0] || from >= edges[i][1]);
      if (free) { lanes.set(i, lane); taken.set(lane, [...others, edges[i]]); }
    }
  }
  return lanes;
}

/** A cell as a graph: nodes in a line, longer edges in lanes above and below it. */
function drawCell(space, choices) {
  const { edges, decisions, none } = space;
  const live = liveEdges(space, choices), lanes = lanesOf(edges);
  const nodes = Math.max(...edges.flat()) + 1, gap = 104, lane = 44;
  const up = Math.max(0, ...lanes.values()), down = -Math.min(0, ...lanes.values());
  const width = (nodes - 1) * gap + 60, middle = up * lane + 22, height = middle + down * lane + 22;
  const x = (node) => 30 + node * gap;
  const drawn = edges.map(([from, to], i) => {
    const level = lanes.get(i) ?? 0, y = middle - level * lane, name = shorten(shortName(decisions[i], choices[i]), 12);
    const color = live[i] ? choiceColor(decisions[i], choices[i]) : variable("--muted");
    const bend = Math.min(gap * 0.55, (to - from) * gap * 0.3);
    const path = level === 0 ? `M${x(from)} ${middle}H${x(to)}`
      : `M${x(from)} ${middle}C${x(from)} ${y} ${x(from) + bend * 0.4} ${y} ${x(from) + bend} ${y}H${x(to) - bend}C${x(to) - bend * 0.4} ${y} ${x(to)} ${y} ${x(to)} ${middle}`;
    const at = (x(from) + x(to)) / 2, wide = name.length * 7 + 12;
    const kind = choiceName(decisions[i], choices[i]) === none ? "faint" : live[i] ? "live" : "dead";
    return svg("g", { class: kind },
      svg("title", null, `${decisions[i].name}: ${choiceName(decisions[i], choices[i])}${kind === "dead" ? " (reaches no output)" : ""}`),
      svg("path", { d: path, stroke: color, opacity: kind === "live" ? null : 0.65 }),
      svg("rect", { class: "plate", x: at - wide / 2, y: y - 10, width: wide, height: 20, rx: 4, stroke: color }),
      svg("text", { x: at, y }, name));
  });
  const dots = Array.from({ length: nodes }, (_, node) => [
    svg("circle", { class: "node", cx: x(node), cy: middle, r: 13 }),
    svg("text", { x: x(node), y: middle }, node === 0 ? "in" : node === nodes - 1 ? "out" : String(node)),
  ]);
  const operations = edges.map((_, i) => `${decisions[i].name} ${shortName(decisions[i], choices[i])}`).join(", ");
  const picture = svg("svg", { class: "cell", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Cell: ${operations}` }, drawn, dots);
  const lost = live.some((alive, i) => !alive && choiceName(decisions[i], choices[i]) !== none);
  return h("div", { class: "drawing" }, picture, lost && live.some(Boolean) ? h("p", { class: "small muted" }, "Grey: on no path from input to output.") : null);
}

/** Whether a decision has an effect. */
const counts = ({ active }, choices) => !active || active.choices.includes(choices[active.decision]);

/** Decisions named alike but for a number at the end, such as "layer 1" … "layer 22", together. */
function groupsOf(decisions) {
  const groups = new Map();
  decisions.forEach(({ name }, i) => {
    const base = name.replace(/[\s_]*\d+$/, "") || name;
    groups.set(base, [...(groups.get(base) ?? []), i]);
  });
  return [...groups].map(([base, members]) => ({ base: members.length > 1 ? base : decisions[members[0]].name, members }));
}

/** A space of layers: a strip of coloured boxes for each kind of decision. */
function drawLayers({ decisions }, choices) {
  const single = [], strips = [];
  for (const { base, members } of groupsOf(decisions)) {
    if (members.length === 1) {
      const [i] = members;
      single.push(h("dt", null, cutText(base)), h("dd", null, cutText(choiceName(decisions[i], choices[i]))));
      continue;
    }
    const used = new Map();
    const boxes = members.map((i) => {
      const name = choiceName(decisions[i], choices[i]), color = choiceColor(decisions[i], choices[i]), on = counts(decisions[i], choices);
      if (on) used.set(name, { color, times: (used.get(name)?.times ?? 0) + 1 });
      const place = /\d+$/.exec(decisions[i].name)?.[0] ?? "";
      return h("li", { class: on ? null : "off", style: { background: color, color: inkOn(color) }, title: `${decisions[i].name}: ${on ? name : "does not count"}` },
        h("small", null, place), h("span", null, on ? shortName(decisions[i], choices[i]) : "–"));
    });
    const keys = [...used].sort((a, b) => b[1].times - a[1].times).map(([name, { color, times }]) =>
      h("li", null, h("span", { class: "swatch", style: { background: color } }), cutText(name), h("span", { class: "muted" }, `×${THIN}${times}`)));
    const longest = Math.max(...members.flatMap((i) => decisions[i].choices.map((_, choice) => shortName(decisions[i], choice).length)));
    strips.push(h("div", null, h("h4", null, base), h("ol", { class: longest > 4 ? "strip" : "strip narrow" }, boxes), h("ul", { class: "keys" }, keys)));
  }
  return h("div", { class: "drawing" }, single.length ? h("dl", { class: "pairs" }, single) : null, strips);
}

const draw = (run, at) =>
  (run.space.edges ? drawCell : drawLayers)(run.space, run.architectures.choices[at]);

/** An architecture in a row of a table: a cell's operations by their short names, node by node. */
function shortForm(run, at) {
  const { edges, decisions } = run.space, choices = run.architectures.choices[at];
  if (!edges) return run.architectures.arch[at];
  const into = new Map();
  edges.forEach(([, to], i) => into.set(to, [...(into.get(to) ?? []), shortName(decisions[i], choices[i])]));
  return [...into.values()].map((names) => names.join(" ")).join(" | ");
}

async function copy(text, button) {
  const before = button.textContent;
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    // Browsers give no clipboard to some pages of files; the old way works there.
    const field = h("textarea", { class: "hidden-text", readonly: "" }, text);
    document.body.append(field);
    field.select();
    done = document.execCommand("copy");
    field.remove();
    button.focus();
  }
  button.textContent = done ? "Copied" : "Not copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}

const noPath = () => h("span", { class: "mark warning" }, "no path from input to output");

/** All that is known of an architecture. */
function cardBody(run, at) {
  const { architectures: a, objectives, columns } = run;
  const main = columns.slice(0, objectives.length), rest = columns.slice(objectives.length);
  const pair = (term, text) => [h("dt", null, cutText(term)), h("dd", null, text)];
  const why = a.rationale?.[at];
  const button = h("button", { type: "button", click: () => copy(a.arch[at], button) }, "Copy");
  return [
    unconnected(run, at) ? h("p", null, noPath()) : null,
    h("dl", { class: "main" }, main.map((column) => h("div", null, h("dt", null, cutText(column.label)), h("dd", null, valueText(column, at))))),
    draw(run, at),
    h("div", { class: "text-form" }, h("code", null, a.arch[at]), button),
    h("dl", { class: "pairs" },
      rest.filter(({ values }) => known(values[at])).map((column) => pair(column.label, valueText(column, at))),
      pair("niche", run.niches[a.niche[at]] ?? "–"),
      pair("proposed by", run.proposers[a.proposer[at]] ?? "–"),
      pair("generation", number(a.generation[at]))),
    why ? h("blockquote", null, h("h4", null, "Why"), h("p", null, why)) : null,
  ];
}

// ---------------------------------------------------------------------------------------------
// Charts

const charts = [];

/** A chart that follows its box, and is drawn again when the theme changes. */
function chartIn(host, option) {
  const chart = echarts.init(host, null, { renderer: "canvas" });
  const entry = {
    host, chart,
    redraw: () => chart.setOption({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option() }, { notMerge: true }),
  };
  entry.observer = new ResizeObserver(() => { if (host.clientWidth) chart.resize(); });
  entry.observer.observe(host);
  charts.push(entry);
  entry.redraw();
  return entry;
}

function dropChartsIn(element) {
  for (const entry of charts.filter(({ host }) => element.contains(host))) {
    entry.observer.disconnect();
    entry.chart.dispose();
    charts.splice(charts.indexOf(entry), 1);
  }
}

const axisStyle = () => ({
  axisLine: { show: true, lineStyle: { color: variable("--muted") } },
  axisTick: { show: true, lineStyle: { color: variable("--muted") } },
  axisLabel: { color: variable("--muted"), hideOverlap: true, formatter: (value) => tickText(value) },
  splitLine: { show: true, lineStyle: { color: variable("--faint") } },
  nameTextStyle: { color: variable("--ink"), fontSize: 12.5 },
});

const tickText = (value) => (Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3) ? number(value) : grouped(String(Number(value.toPrecision(4)))).replace("-", "−"));

const tooltipStyle = () => ({
  backgroundColor: variable("--panel"), borderColor: variable("--line"), padding: [7, 10], confine: true,
  textStyle: { color: variable("--ink") }, transitionDuration: 0,
});

const narrow = () => matchMedia("(max-width: 1050px)").matches;

/** Points that no other is ahead of in both directions, in order of x. */
function nonDominated(points, xDirection, yDirection) {
  const xSign = xDirection === "maximise" ? -1 : 1, ySign = yDirection === "maximise" ? 1 : -1;
  const sorted = [...points].sort((a, b) => xSign * (a[0] - b[0]) || ySign * (b[1] - a[1]));
  const kept = [];
  for (const point of sorted) if (!kept.length || ySign * (point[1] - kept.at(-1)[1]) > 0) kept.push(point);
  return kept;
}

/** The corners between points: what is attained between two is what the cheaper one attains. */
function steps(points) {
  const corners = points.slice(1).flatMap((next, i) => [[next[0], points[i][1]], [next[0], next[1]]]);
  return points.length ? [[points[0][0], points[0][1]], ...corners] : [];
}

/** From least to greatest; without the far tenth on the bad side where that squeezes all others. */
function rangeOf(values, direction, trim) {
  const sorted = values.filter(finite).sort((a, b) => a - b);
  if (!sorted.length) return null;
  let [low, high] = [sorted[0], sorted.at(-1)];
  if (trim && direction) {
    const tenth = sorted[Math.floor((sorted.length - 1) * (direction === "maximise" ? 0.1 : 0.9))];
    if (direction === "maximise" && tenth - low > high - tenth) low = tenth;
    if (direction === "minimise" && high - tenth > tenth - low) high = tenth;
  }
  return [low, high];
}

function padded([low, high], log) {
  if (log) {
    const by = (high / low || 1) ** 0.05 * 1.03;
    return [low / by, high * by];
  }
  const span = high - low || Math.abs(high) || 1;
  const step = 10 ** Math.floor(Math.log10(span / 5)), unit = span / 5 / step < 2 ? step : span / 5 / step < 5 ? 2 * step : 5 * step;
  const round = (value, way) => Number((way(value / unit) * unit).toPrecision(12));
  const [from, to] = [round(low - span * 0.03, Math.floor), round(high + span * 0.03, Math.ceil)];
  return [from < 0 && low >= 0 ? 0 : from, to];
}

/** The bound that a limit such as "latency ≤ 5 ms" puts on a column, or null. */
function limitOn(run, column) {
  for (const limit of run.limits ?? []) {
    const found = /^(.+?) ([≤≥]) ([\d.]+)(?: (.*))?$/.exec(limit);
    const same = found && (found[1] === column.label || found[1] === column.title);
    if (same && (found[4] ?? column.unit) === column.unit) return { at: Number(found[3]), below: found[2] === "≤", text: limit };
  }
  return null;
}

/**
 * The front and what was evaluated, with the card of an architecture beside it. One run is coloured
 * by niche and has its table; several are coloured by run.
 */
function frontPanel(shown, level) {
  const own = shown.length === 1, first = shown[0];
  const axes = first.columns.filter((column) => column.numeric && shown.every((run) => run.columns.some(({ key, numeric }) => numeric && key === column.key)));
  const objectives = axes.filter(({ direction }) => direction);
  if (objectives.length < 2) return null;
  const exactColumn = shown.map((run) => run.exact_front?.column).find(Boolean);
  // On true values, where they are known, found and exact fronts can be compared.
  const accuracy = axes.find(({ title }) => title === exactColumn) ?? objectives[0];
  const state = { x: objectives[1].key, y: accuracy.key, log: null, fit: "most", hidden: new Set(), pinned: null };
  const columnFor = (run, key) => run.columns.find((column) => column.key === key);
  const exacts = shown.filter(({ exact_front: exact }, i) => exact?.points?.length && shown.findIndex((run) => JSON.stringify(run.exact_front) === JSON.stringify(exact)) === i);

  const pointsOf = (run) => {
    const xs = columnFor(run, state.x).values, ys = columnFor(run, state.y).values;
    return positions(run).filter((at) => finite(xs[at]) && finite(ys[at])).map((at) => [xs[at], ys[at], at, run.index]);
  };
  const chosenAxes = () => ({ x: columnFor(first, state.x), y: columnFor(first, state.y) });
  const exactFits = () => state.x === "objective 1" && chosenAxes().y.title === exactColumn;
  const canLog = () => shown.every((run) => columnFor(run, state.x).values.every((value) => !finite(value) || value > 0));
  const isLog = (points) => {
    if (!canLog() || !points.length) return false;
    if (state.log !== null) return state.log;
    const range = rangeOf(points.map(([x]) => x), null, false);
    return range[1] / range[0] > 12;
  };

  const view = (points, fronts, exact, log) => {
    const { x, y } = chosenAxes(), trim = state.fit === "most";
    const within = state.fit === "front" && fronts.length ? fronts : state.fit === "all" ? [...points, ...exact] : points;
    // The front stays in view, unless it too has a far tail.
    const both = (list, frontList, at, direction) => {
      const ranges = [list, frontList].map((some) => rangeOf(some.map(at), direction, trim)).filter(Boolean);
      return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
    };
    const yRange = both(within, fronts, (point) => point[1], y.direction);
    // How far the exact front is ahead is what it is drawn for.
    for (const [, best] of exact) {
      if (y.direction === "minimise") yRange[0] = Math.min(yRange[0], best);
      else yRange[1] = Math.max(yRange[1], best);
    }
    const seen = (point) => point[1] >= yRange[0] && point[1] <= yRange[1] && (!log || point[0] > 0);
    const scale = (value) => (log ? Math.log(value) : value), back = (value) => (log ? Math.exp(value) : value);
    const xRange = both(within.filter(seen), fronts.filter(seen), (point) => scale(point[0]), x.direction).map(back);
    return { x: padded(xRange, log), y: padded(yRange, false) };
  };

  const scatter = (id, name, data, i, front) => ({
    id, name, type: "scatter", data, symbol: symbol(i), symbolSize: front ? 11 : own ? 7 : 5, z: front ? 6 : 2,
    itemStyle: { color: palette(i), opacity: front ? 1 : own ? 0.5 : 0.3, borderColor: front ? variable("--panel") : "transparent", borderWidth: front ? 1.2 : 0 },
    emphasis: { scale: 1.5, itemStyle: { opacity: 1, borderColor: variable("--ink"), borderWidth: 1.5 } }, clip: true,
  });
  const line = (id, name, data, style, z = 4) => ({
    id, name, type: "line", data, showSymbol: false, silent: true, tooltip: { show: false }, z, lineStyle: style, clip: true, emphasis: { disabled: true },
  });
  // Hollow: no path from input to output.
  const item = (i) => (point) => (unconnected(runs[point[3]], point[2]) ? { value: point, itemStyle: { color: variable("--panel"), borderColor: palette(i), borderWidth: 1.6 } } : point);

  const seriesOf = (run, points) => {
    const { x, y } = chosenAxes();
    const front = points.filter(([, , at]) => run.onFront.has(at)), rest = points.filter(([, , at]) => !run.onFront.has(at));
    const path = x.direction && y.direction ? steps(nonDominated(front, x.direction, y.direction)) : [];
    if (!own) {
      const name = `run ${run.index}`, i = run.index;
      return [scatter(`all ${i}`, name, rest.map(item(i)), i, false), line(`line ${i}`, name, path, { color: palette(i), width: 2, type: DASHES[i % DASHES.length] }), scatter(`front ${i}`, name, front.map(item(i)), i, true)];
    }
    const ofNiche = (list, niche) => list.filter(([, , at]) => run.architectures.niche[at] === niche).map(item(niche));
    const niches = run.niches.map((_, niche) => niche);
    return [
      ...niches.map((niche) => scatter(`all ${niche}`, `niche ${niche}`, ofNiche(rest, niche), niche, false)),
      line("line", "front", path, { color: variable("--ink"), width: 1.6 }),
      ...niches.map((niche) => scatter(`front ${niche}`, `niche ${niche}`, ofNiche(front, niche), niche, true)),
    ];
  };

  // A ring around the kept point, on a layer of its own: an option of the chart would draw all
  // points again, which takes a second where there are 10,000.
  const ring = new echarts.graphic.Circle({ silent: true, zlevel: 1, ignore: true, shape: { cx: 0, cy: 0, r: 11 }, style: { fill: "none", lineWidth: 2.5 } });
  function placeRing() {
    const { run, at } = state.pinned ?? {}, { chart } = entry;
    const point = run ? [columnFor(run, state.x).values[at], columnFor(run, state.y).values[at]] : [];
    const place = point.length && point.every(finite) ? chart.convertToPixel("grid", point) : null;
    const ignore = !place || !place.every(finite) || !chart.containPixel("grid", place), stroke = variable("--accent");
    const [cx, cy] = ignore ? [0, 0] : place;
    // Only a change is passed on, since that calls this function again.
    if (ignore !== ring.ignore || cx !== ring.shape.cx || cy !== ring.shape.cy || stroke !== ring.style.stroke) ring.attr({ ignore, shape: { cx, cy }, style: { stroke } });
  }

  const limitArea = (axis, column, range) => {
    const limit = limitOn(first, column);
    if (!limit || limit.at <= range[0] || limit.at >= range[1]) return null;
    const ends = limit.below ? [limit.at, range[1]] : [range[0], limit.at];
    return {
      id: `limit ${axis}`, type: "line", data: [], silent: true, tooltip: { show: false },
      markArea: { silent: true, itemStyle: { color: variable("--muted"), opacity: 0.1 }, label: { show: true, position: "insideTop", color: variable("--muted"), formatter: () => "beyond the limit" },
        data: [[{ [`${axis}Axis`]: ends[0] }, { [`${axis}Axis`]: ends[1] }]] },
    };
  };

  const tooltip = ({ data }) => {
    const point = data?.value ?? data;
    if (!point || point.length < 4) return null;
    const run = runs[point[3]], at = point[2], { x, y } = chosenAxes();
    const row = (column) => h("div", null, h("span", { class: "muted" }, `${shorten(column.label, 40)}: `), h("b", null, valueText(columnFor(run, column.key), at)));
    return h("div", { class: "tip" }, row(y), row(x), h("p", null, own ? run.niches[run.architectures.niche[at]] : run.label),
      unconnected(run, at) ? noPath() : null, h("p", { class: "muted" }, run.onFront.has(at) ? "On the front. Click to select." : "Click to select."));
  };

  const option = () => {
    const { x, y } = chosenAxes();
    const perRun = shown.map(pointsOf), points = perRun.flat(), fronts = points.filter(([, , at, run]) => runs[run].onFront.has(at));
    const exact = exactFits() ? exacts.flatMap((run) => run.exact_front.points) : [];
    const log = isLog(points);
    const empty = !points.length;
    const range = empty ? { x: [0, 1], y: [0, 1] } : view(points, fronts, exact, log);
    const outside = points.filter(([px, py]) => px < range.x[0] || px > range.x[1] || py < range.y[0] || py > range.y[1]);
    describe(points, fronts, outside, exact.length > 0, log);
    const series = [
      ...shown.flatMap((run, i) => seriesOf(run, perRun[i])),
      ...(exact.length ? exacts.map((run, i) => line(`exact ${i}`, "exact", steps(nonDominated(run.exact_front.points.filter((point) => point.every(finite) && (!log || point[0] > 0)), "minimise", "maximise")), { color: variable("--muted"), width: 1.6, type: [5, 4] }, 3)) : []),
      limitArea("x", x, range.x), limitArea("y", y, range.y),
    ].filter(Boolean);
    const inside = (axis) => ({ type: "inside", [`${axis}AxisIndex`]: 0, filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: !matchMedia("(pointer: coarse)").matches, preventDefaultMouseMove: false, minSpan: 0.5 });
    const small = host.clientWidth < 560;
    return {
      aria: { enabled: true, label: { description: `Scatter chart: ${shorten(y.title, 80)} against ${shorten(x.title, 80)}; ${count(fronts.length, "architecture")} on the front.` } },
      grid: { left: 8, right: 16, top: 34, bottom: 28, containLabel: true },
      legend: { show: false, selected: Object.fromEntries([...state.hidden].map((name) => [name, false])) },
      tooltip: { ...tooltipStyle(), show: !narrow(), trigger: "item", formatter: tooltip },
      xAxis: { ...axisStyle(), type: log ? "log" : "value", logBase: range.x[1] / range.x[0] < 200 ? 2 : 10, min: range.x[0], max: range.x[1], name: shorten(x.title, small ? 40 : 80) + (log ? ", log scale" : ""), nameLocation: "middle", nameGap: 30,
        axisLabel: { ...axisStyle().axisLabel, showMinLabel: log ? false : null, showMaxLabel: log ? false : null } },
      yAxis: { ...axisStyle(), type: "value", min: range.y[0], max: range.y[1], name: shorten(y.title, small ? 40 : 80), nameLocation: "end", nameGap: 14, nameTextStyle: { ...axisStyle().nameTextStyle, align: "left" } },
      dataZoom: [inside("x"), inside("y")],
      series,
    };
  };

  // Controls
  const host = h("div", { class: "chart", tabindex: "0", role: "group", "aria-label": "Front, chart. Left and right arrow keys step along the front, Escape clears the selection.", keydown: onKey });
  const select = (label, key, options) => h("label", null, label, h("select", { "aria-label": label, change: ({ target }) => { state[key] = target.value; entry.redraw(); } },
    options.map(([value, text]) => build(h("option", { value }, text), { selected: value === state[key] ? "" : null }, []))));
  const logBox = h("button", { type: "button", class: "toggle", click: () => { state.log = logBox.getAttribute("aria-pressed") !== "true"; entry.redraw(); } }, "log x");
  const choices = axes.map((column) => [column.key, shorten(column.title, 36)]);
  const zoomBy = (factor) => {
    const batch = entry.chart.getOption().dataZoom.map(({ start, end }, dataZoomIndex) => {
      const half = Math.min(50, ((end - start) / 2) * factor), middle = Math.min(100 - half, Math.max(half, (start + end) / 2));
      return { dataZoomIndex, start: middle - half, end: middle + half };
    });
    entry.chart.dispatchAction({ type: "dataZoom", batch });
  };
  const bar = h("div", { class: "bar" },
    axes.length > 2 ? [select("y", "y", choices), select("x", "x", choices)] : null, logBox,
    select("show", "fit", [["most", "most"], ["all", "all points"], ["front", "the front"]]),
    h("button", { type: "button", "aria-label": "Zoom in", click: () => zoomBy(0.6) }, "+"),
    h("button", { type: "button", "aria-label": "Zoom out", click: () => zoomBy(1 / 0.6) }, "−"),
    h("button", { type: "button", click: () => { Object.assign(state, { fit: "most" }); bar.querySelector("[aria-label=show]").value = "most"; entry.redraw(); } }, "Reset"));
  const note = h("p", { class: "note" });

  function describe(points, fronts, outside, exact, log) {
    logBox.hidden = !canLog();
    logBox.setAttribute("aria-pressed", String(log));
    const lost = outside.filter(([, , at, run]) => runs[run].onFront.has(at)).length;
    const flagged = points.some(([, , at, run]) => unconnected(runs[run], at));
    note.replaceChildren([
      "Large points: the front, as found on what the search saw.",
      exactColumn && !exact ? `The exact front is shown over ${exactColumn}.` : "",
      flagged ? "Hollow points: no path from input to output." : "",
      outside.length ? `Outside the view: ${count(outside.length, "point")}${lost ? `, ${number(lost)} of the front` : ""}.` : "",
      !narrow() ? "Drag to move, Ctrl and wheel to zoom." : "Tap a point to see its architecture; pinch to zoom.",
    ].filter(Boolean).join(" "));
    exactButton.hidden = !exact;
  }

  // Legend: buttons, for they wrap, take the keyboard and cut long names
  const legendButton = (name, mark, text, extra) => {
    const button = h("button", { type: "button", "aria-pressed": "true", title: text, click: () => {
      const hide = !state.hidden.has(name);
      state.hidden[hide ? "add" : "delete"](name);
      button.setAttribute("aria-pressed", String(!hide));
      entry.chart.dispatchAction({ type: hide ? "legendUnSelect" : "legendSelect", name });
    } }, mark(), h("span", null, text), extra ? h("span", { class: "muted" }, extra) : null);
    onTheme(() => button.firstChild.replaceWith(mark()));
    return button;
  };
  const exactButton = exacts.length ? legendButton("exact", () => swatch(0, "dashed"), exacts[0].exact_front.title) : h("button", { hidden: "" });
  const perNiche = own ? tally(first, positions(first), "niche") : null;
  const legend = h("div", { class: "legend", role: "group", "aria-label": "Legend: show or hide" },
    own ? first.niches.map((name, i) => (perNiche.get(i) ? legendButton(`niche ${i}`, () => swatch(i), name, number(perNiche.get(i))) : null))
      : shown.map((run) => legendButton(`run ${run.index}`, () => swatch(run.index), run.label, number(run.front.length))),
    own ? legendButton("front", () => swatch(0, "solid"), "front found") : null, exactButton);

  // Card
  const status = h("p", { class: "hidden-text", role: "status" });
  const card = h("div", { class: "card", role: "region", "aria-label": "Architecture", tabindex: "-1" });
  const start = first.front.length ? { run: first, at: first.best ?? first.front[Math.floor(first.front.length / 2)] } : null;

  function showCard(which) {
    if (!which) return card.replaceChildren(h("p", { class: "muted" }, "Hover a point to see its architecture."));
    const { run, at } = which, rank = run.onFront.get(at), pinned = state.pinned && state.pinned.at === at && state.pinned.run === run;
    const step = (by, label, text) => h("button", { type: "button", "aria-label": label, click: () => stepBy(by) }, text);
    const place = rank === undefined ? "Not on the front" : `${number(rank + 1)} of ${number(run.front.length)} on the front`;
    const head = h("div", { class: "card-head" }, h(level === 2 ? "h3" : "h4", null, run.best === at ? `Best within the limits` : place),
      h("div", { class: "bar" }, step(-1, "Previous on the front", "‹"), step(1, "Next on the front", "›"),
        pinned ? h("button", { type: "button", "aria-label": "Clear the selection", click: () => pin(null) }, "×") : null));
    card.classList.toggle("pinned", Boolean(pinned));
    card.replaceChildren(...[head, !own ? h("p", { class: "small muted" }, run.label) : null, run.best === at ? h("p", { class: "small muted" }, place) : null, cardBody(run, at)].flat().filter(Boolean));
    return card;
  }

  function pin(which) {
    const focused = card.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    state.pinned = which;
    showCard(which ?? start);
    card.scrollTop = 0;
    // Drawing a card anew would lose the place of who steps by keyboard.
    if (focused) (card.querySelector(`[aria-label="${focused}"]`) ?? host).focus({ preventScroll: true });
    document.body.classList.toggle("sheet", Boolean(which));
    status.textContent = which ? `${summary(which.run, which.at)}` : "";
    placeRing();
    for (const row of panel.querySelectorAll("tr.pick")) row.classList.toggle("picked", which !== null && Number(row.dataset.at) === which.at && which.run === first);
  }

  function stepBy(by) {
    const { run, at } = state.pinned ?? start ?? {};
    if (!run) return;
    const rank = run.onFront.get(at) ?? 0, next = run.front[Math.min(run.front.length - 1, Math.max(0, rank + by))];
    if (known(next)) pin({ run, at: next });
  }

  function onKey(event) {
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") { event.preventDefault(); stepBy(event.key === "ArrowRight" ? 1 : -1); }
    if (event.key === "Escape") pin(null);
  }

  const table = own ? frontTable(first, (at) => pin({ run: first, at }), level + 1) : null;
  const panel = h("div", { class: "front" },
    h("div", null, bar, legend, host, note, status, table), h("div", { class: "side" }, card));
  card.addEventListener("keydown", (event) => { if (event.key === "Escape") pin(null); });

  let entry = { redraw() {} };
  const mount = () => {
    entry = chartIn(host, option);
    const pointOf = ({ data }) => { const point = data?.value ?? data; return point?.length === 4 ? { run: runs[point[3]], at: point[2] } : null; };
    entry.chart.on("mouseover", (event) => { const point = pointOf(event); if (point && !narrow()) showCard(point); });
    entry.chart.on("mouseout", () => { if (!narrow()) showCard(state.pinned ?? start); });
    entry.chart.on("click", (event) => { const point = pointOf(event); if (point) pin(point); });
    entry.chart.on("dblclick", () => entry.redraw());
    entry.chart.getZr().add(ring);
    entry.chart.on("rendered", placeRing);
    showCard(start);
    onTheme(() => showCard(state.pinned ?? start));
  };
  return { panel, mount, pin: (run, at) => { pin({ run, at }); panel.scrollIntoView({ block: "nearest" }); } };
}

// ---------------------------------------------------------------------------------------------
// Tables

const cell = (title, content, properties) => h("td", { "data-title": title, ...properties }, content);

/** A table of some rows; one that is read on a phone row by row has the class `stack`. */
function tableOf(caption, heads, rows, properties) {
  return h("div", { class: "box", tabindex: "0", role: "region", "aria-label": caption },
    h("table", properties, h("caption", { class: "hidden-text" }, caption),
      h("thead", null, h("tr", null, heads.map((head) => (typeof head === "string" ? h("th", { scope: "col" }, head) : h("th", { scope: "col", class: head.class }, head.text))))),
      h("tbody", null, rows)));
}

/** The front, to be sorted; at first 50 rows. */
function frontTable(run, pick, level) {
  if (!run.front.length) return null;
  const MOST = 50;
  const { architectures: a } = run;
  const data = run.columns.filter(({ values }) => run.front.some((at) => known(values[at])));
  const heads = [
    { title: "no.", value: (at) => run.onFront.get(at), number: true },
    ...data.slice(0, run.objectives.length).map((column) => ({ title: column.title, value: (at) => column.values[at], text: (at) => number(column.values[at], column.measured), number: column.numeric })),
    { title: "architecture", value: (at) => shortForm(run, at), arch: true },
    ...data.slice(run.objectives.length).map((column) => ({ title: column.title, value: (at) => column.values[at], text: (at) => number(column.values[at], column.measured), number: column.numeric })),
    { title: "niche", value: (at) => run.niches[a.niche[at]] ?? "", class: "niche" },
    { title: "by", value: (at) => run.proposers[a.proposer[at]] ?? "" },
    { title: "generation", value: (at) => a.generation[at], number: true },
  ];
  const state = { by: 0, down: false, all: false };
  const order = (x, y) => {
    const [p, q] = [heads[state.by].value(x), heads[state.by].value(y)];
    if (!known(p) || !known(q)) return known(q) - known(p);
    const way = typeof p === "number" && typeof q === "number" ? p - q : String(p).localeCompare(String(q));
    return state.down ? -way : way;
  };
  const content = (head, at) => {
    if (head.arch) return [h("code", null, cutText(shortForm(run, at), { title: a.arch[at] })), unconnected(run, at) ? h("div", null, noPath()) : null];
    if (head === heads[0]) return h("button", { type: "button", class: "plain", "aria-label": `Show number ${run.onFront.get(at) + 1}` }, number(run.onFront.get(at) + 1));
    return cutText(head.text ? head.text(at) : String(head.number ? number(head.value(at)) : head.value(at)));
  };
  const row = (at) => h("tr", { class: "pick", "data-at": at, click: () => pick(at) },
    heads.map((head) => h("td", { class: [head.number && "number", head.arch && "arch", head.class].filter(Boolean).join(" ") || null }, content(head, at))));
  const body = h("tbody"), more = h("button", { type: "button", class: "below", click: () => { state.all = true; fill(); } });
  const titles = heads.map((head, i) => h("th", { scope: "col", class: head.number ? "number" : null },
    h("button", { type: "button", class: "sort", title: head.title, click: () => { state.down = state.by === i && !state.down; state.by = i; fill(); } }, shorten(head.title, 40), h("span", { "aria-hidden": "true" }))));
  function fill() {
    const sorted = [...run.front].sort(order), rows = state.all ? sorted : sorted.slice(0, MOST);
    body.replaceChildren(...rows.map(row));
    titles.forEach((title, i) => {
      title.setAttribute("aria-sort", i !== state.by ? "none" : state.down ? "descending" : "ascending");
      title.querySelector("span").textContent = i !== state.by ? "" : state.down ? " ↓" : " ↑";
    });
    more.hidden = state.all || sorted.length <= MOST;
    more.textContent = `Show all ${number(sorted.length)}`;
  }
  fill();
  return h("div", { style: { marginTop: "18px" } },
    h(`h${level}`, { style: { marginBottom: "8px" } }, `Table of the front: ${count(run.front.length, "architecture")}`),
    h("div", { class: "box", tabindex: "0", role: "region", "aria-label": "Table of the front" },
      h("table", { class: "front-table" }, h("caption", { class: "hidden-text" }, "The front; choose a row to see its architecture"), h("thead", null, h("tr", null, titles)), body)),
    more);
}

// ---------------------------------------------------------------------------------------------
// Sections: each gives null where there is nothing to show

function section(title, level, content, { wide = false, tools = null } = {}) {
  if (!content) return null;
  const heading = h(`h${level}`, null, title);
  return h("section", { class: wide ? "wide" : null, "aria-label": title }, h("div", { class: "title" }, heading, tools), content);
}

const METRICS = [["hypervolume_ratio", "hypervolume ratio"], ["hypervolume_of_best_known", "hypervolume, of the best known at the end"], ["igd", "IGD"], ["front", "architectures on the front"], ["coverage", "coverage"], ["hypervolume", "hypervolume, by the range of all evaluated"]];

function convergence(shown, level) {
  const there = METRICS.filter(([key]) => shown.some((run) => run.generations.some((row) => finite(row[key]))));
  const enough = shown.some((run) => run.generations.length > 1);
  if (!there.length || !enough) return null;
  let [metric, title] = there[0];
  const host = h("div", { class: "chart", role: "img" });
  const tooltip = (items) => h("div", { class: "tip" }, h("b", null, count(items[0].value[0], "evaluation")),
    items.map((item) => h("div", null, several ? h("span", { class: "muted" }, `${shorten(runs[item.seriesIndex]?.label ?? "", 40)}: `) : null, number(item.value[1], metric !== "front"))));
  const option = () => {
    host.setAttribute("aria-label", `Line chart: ${title} over evaluations`);
    return {
      grid: { left: 8, right: 18, top: 34, bottom: 28, containLabel: true },
      tooltip: { ...tooltipStyle(), trigger: "axis", axisPointer: { lineStyle: { color: variable("--muted") } }, formatter: tooltip },
      xAxis: { ...axisStyle(), type: "value", name: "evaluations", nameLocation: "middle", nameGap: 30, min: 0, max: "dataMax" },
      yAxis: { ...axisStyle(), type: "value", scale: true, name: title, nameLocation: "end", nameGap: 14, nameTextStyle: { ...axisStyle().nameTextStyle, align: "left" } },
      series: shown.map((run) => ({
        name: `run ${run.index}`, type: "line", step: "end", data: run.generations.filter((row) => finite(row[metric])).map((row) => [row.evaluated, row[metric]]),
        showSymbol: run.generations.length < 3, symbol: symbol(run.index), lineStyle: { width: 2, type: DASHES[run.index % DASHES.length], color: palette(run.index) }, itemStyle: { color: palette(run.index) },
      })),
    };
  };
  let entry = null;
  const tools = there.length > 1 ? h("div", { class: "bar" }, h("label", null, "show", h("select", { "aria-label": "Measure of convergence", change: ({ target }) => { [metric, title] = there[target.value]; entry.redraw(); } },
    there.map(([, text], i) => h("option", { value: i }, text))))) : null;
  const keys = several ? h("ul", { class: "keys" }, shown.map((run) => h("li", null, themed(() => swatch(run.index)), cutText(run.label)))) : null;
  return { element: section("Convergence", level, h("div", null, host, keys), { tools, wide: several }), mount: () => { entry = chartIn(host, option); } };
}

function coverage(shown, level) {
  const there = shown.filter((run) => run.coverage?.covered?.length);
  if (!there.length) return null;
  const strip = (run) => {
    const { from, to, covered } = run.coverage, yes = covered.filter(Boolean).length;
    const cost = run.objectives.find(({ direction }) => direction === "minimise") ?? run.objectives[1], { label, unit } = splitTitle(cost.title);
    const end = (part) => withUnit(number(from * (to / from) ** (part / covered.length), true), unit);
    return h("div", null, h("p", null, several ? [h("b", null, run.label), ": "] : null, `${number(yes)} of ${number(covered.length)} parts of the range of ${shorten(label, 60)} have an architecture of the front.`),
      h("ol", { class: "covered" }, covered.map((is, part) => h("li", { class: is ? "yes" : null, title: `${end(part)} to ${end(part + 1)}: ${is ? "covered" : "not covered"}` }, is ? "✓" : ""))),
      h("div", { class: "ends" }, h("span", null, end(0)), h("span", null, end(covered.length / 2)), h("span", null, end(covered.length))));
  };
  return section("Coverage", level, h("div", { class: "strips" }, there.map(strip), h("p", { class: "note" }, "Parts are equal on a log scale. Ticked: covered; dashed: not covered.")), { wide: true });
}

const meter = (parts, label) => h("span", { class: "meter", role: "img", "aria-label": label },
  parts.filter(({ share }) => share > 0).map(({ share, kind, color }) => h("i", { class: kind, style: { width: `${100 * share}%`, ...(color ? { background: color } : {}) } })));

function niches(run, level) {
  const all = positions(run);
  if (!all.length) return null;
  const evaluated = tally(run, all, "niche"), front = tally(run, run.front, "niche"), most = Math.max(...evaluated.values());
  const row = (name, niche) => {
    const n = evaluated.get(niche) ?? 0;
    const by = tally(run, all.filter((at) => run.architectures.niche[at] === niche), "proposer");
    const shares = run.proposers.map((proposer, i) => ({ proposer, i, n: by.get(i) ?? 0 })).filter((part) => part.n);
    const text = shares.map((part) => `${shorten(part.proposer, 30)} ${percent(part.n / n)}`).join(", ");
    return h("tr", null, h("th", { scope: "row", "data-title": "niche" }, h("span", { title: name }, shorten(name, 120))),
      cell("evaluated", number(n), { class: "number" }), cell("on the front", number(front.get(niche) ?? 0), { class: "number" }),
      cell("by proposer", n ? h("div", null, h("div", { style: { width: `${Math.max(12, (100 * n) / most)}%` } }, themed(() => meter(shares.map((part) => ({ share: part.n / n, color: palette(part.i) })), text))), h("span", { class: "small muted" }, text)) : "–"));
  };
  const kept = all.length < run.evaluated ? h("p", { class: "note" }, `Counted among the ${number(all.length)} architectures in this page, of ${number(run.evaluated)} evaluated.`) : null;
  return section("Niches", level, h("div", null, tableOf("Niches", ["niche", { text: "evaluated", class: "number" }, { text: "on the front", class: "number" }, "by proposer"], run.niches.map(row), { class: "stack" }), kept));
}

function ruleRow(run, rule, dropped) {
  const { supporting: pro, contradicting: contra } = rule, total = pro + contra;
  const effects = (rule.effects ?? []).map(([title, value]) => { const { label, unit } = splitTitle(title); return h("div", null, h("span", { class: "muted" }, `${shorten(label, 60)} `), withUnit(signed(value), unit)); });
  const good = rule.polarity === "do";
  return h("tr", null,
    cell("rule", h("div", null, h("span", { class: good ? "do" : "avoid" }, good ? "✓ do " : "✗ avoid "), h("span", null, rule.condition), rule.reason ? h("p", { class: "small muted" }, rule.reason) : null)),
    cell("niche", known(rule.niche) ? h("span", { title: run.niches[rule.niche] }, shorten(run.niches[rule.niche] ?? "–", 120)) : "all"),
    cell("for : against", h("div", null, `${number(pro)} : ${number(contra)}`, total ? h("div", null, meter([{ share: pro / total, kind: "for" }, { share: contra / total, kind: "against" }], `${pro} for, ${contra} against`)) : null)),
    cell("significance [σ]", signed(rule.significance), { class: "number" }),
    cell("effects", h("div", { class: "effects" }, effects.length ? effects : "–")),
    cell("by", rule.by, { class: "brief" }), cell("since generation", number(rule.since), { class: "number" }),
    dropped ? cell("refuted after", number(rule.evaluated), { class: "number" }) : null);
}

function knowledge(run, level) {
  const { rules, dropped_rules: refuted } = run;
  if (!rules?.length && !refuted?.length) return null;
  const heads = ["rule", "niche", "for : against", { text: "significance [σ]", class: "number" }, "effects", "by", { text: "since generation", class: "number" }];
  const table = (caption, list, dropped) => tableOf(caption, dropped ? [...heads, { text: "refuted after", class: "number" }] : heads, list.map((rule) => ruleRow(run, rule, dropped)), { class: "stack" });
  return section("Knowledge", level, h("div", null,
    rules?.length ? table("Rules", rules, false) : null,
    h("p", { class: "note" }, "Of the architectures that take the rule's choice, those in the better half by non-domination are for a do and against an avoid, those in the worse half the reverse. Significance: by how many standard deviations the support exceeds chance. Effects are those of taking the choice, also for an avoid: the mean of architectures that take it, minus the mean of the others."),
    refuted?.length ? h("details", null, h("summary", null, count(refuted.length, "refuted rule")), table("Refuted rules", refuted, true)) : null), { wide: true });
}

function tiles(list, inner = false) {
  return h("dl", { class: inner ? "figures inner" : "figures" }, list.filter((tile) => tile && known(tile[1])).map(([title, value, more, broad]) =>
    h("div", { class: broad ? "broad" : null }, h("dt", null, title), h("dd", null, value, more ? h("small", null, more) : null))));
}

function cost(run, level) {
  const { cost: spent, proposals } = run;
  if (!spent && !proposals) return null;
  const failed = spent?.failed?.length ? tableOf("Calls that failed", ["failed calls", { text: "times", class: "number" }, "first message"], spent.failed.map(([kind, times, message]) =>
    h("tr", null, cell("failed calls", kind), cell("times", number(times), { class: "number" }), cell("first message", message ?? "–"))), { class: "stack" }) : null;
  const list = tiles([
    spent && ["calls", number(spent.calls), spent.asked_again ? `repeated calls: ${number(spent.asked_again)}` : null],
    spent && known(spent.prompt_tokens) && ["prompt tokens", number(spent.prompt_tokens)],
    spent && known(spent.completion_tokens) && ["completion tokens", number(spent.completion_tokens)],
    spent && known(spent.seconds) && ["time of the calls", withUnit(number(spent.seconds, true), "s")],
    spent && known(spent.money) && ["money", number(spent.money, true)],
    ["evaluations", number(run.evaluated)],
    proposals && ["proposals accepted", `${number(proposals.accepted)} of ${number(proposals.made)}`, proposals.made ? percent(proposals.accepted / proposals.made) : null],
  ], true);
  return section("Cost", level, h("div", null, list, failed ? h("div", { style: { marginTop: "12px" } }, failed) : null));
}

/** What is predicted to be on the front, with 90 % intervals. */
function predicted(run, level) {
  if (!run.predicted?.length) return null;
  const value = ([expected, low, high], i) => {
    const { unit } = splitTitle(run.objectives[i].title);
    const exact = low === high;
    return cell(run.objectives[i].title, h("div", null, withUnit(number(expected, true), unit), exact ? null : h("div", { class: "small muted" }, `${number(low, true)} to ${number(high, true)}`)), { class: "number" });
  };
  const rows = run.predicted.map((one) => h("tr", null, h("th", { scope: "row", "data-title": "architecture" }, shorten(one.arch, 160)), one.values.map(value)));
  const table = tableOf("Predicted", ["architecture", ...run.objectives.map(({ title }) => ({ text: title, class: "number" }))], rows, { class: "stack" });
  return section("Predicted to be on the front", level, h("div", null, h("p", { class: "note" }, "Not evaluated. Below a value: its 90 % interval."), table), { wide: true });
}

/** Evaluations that failed, by kind, and trainings that were stopped early. */
function failures(run, level) {
  const failed = (run.failures ?? []).map(([kind, n, first]) => h("tr", null, h("th", { scope: "row", "data-title": "failure" }, shorten(kind, 160)), cell("evaluations", number(n), { class: "number" }), cell("the first", shorten(first, 400))));
  const { trainings, steps, of } = run.stopped ?? {};
  if (!failed.length && !run.stopped) return null;
  return section("Evaluations that did not end well", level, h("div", null,
    run.stopped ? h("p", null, `${count(trainings, "training")} stopped early: ${number(steps)} of ${number(of)} steps were trained (${percent(steps / of)}).`) : null,
    failed.length ? tableOf("Failures", ["failure", { text: "evaluations", class: "number" }, "the first"], failed, { class: "stack" }) : null));
}

/** Means of the last ten values up to each: a share by Thompson sampling is nearly all or nothing. */
const movingMeans = (pairs) => pairs.map(([x], at) => {
  const last = pairs.slice(Math.max(0, at - 9), at + 1);
  return [x, last.reduce((sum, [, y]) => sum + y, 0) / last.length];
});

/** Operators that share the search: how their shares moved, and their credit. */
function operators(run, level) {
  const all = run.operators ?? [];
  if (!all.length) return null;
  const host = h("div", { class: "chart", role: "img", "aria-label": "Line chart: the share of each operator over generations" });
  const tooltip = (items) => h("div", { class: "tip" }, h("b", null, `generation ${number(items[0].value[0])}`),
    items.map((item) => h("div", null, h("span", { class: "muted" }, `${shorten(item.seriesName, 40)}: `), percent(item.value[1]))));
  const option = () => ({
    grid: { left: 8, right: 18, top: 34, bottom: 28, containLabel: true },
    tooltip: { ...tooltipStyle(), trigger: "axis", axisPointer: { lineStyle: { color: variable("--muted") } }, formatter: tooltip },
    xAxis: { ...axisStyle(), type: "value", name: "generation", nameLocation: "middle", nameGap: 30, minInterval: 1, min: "dataMin", max: "dataMax" },
    yAxis: { ...axisStyle(), type: "value", min: 0, max: 1, name: "share", nameLocation: "end", nameGap: 14, nameTextStyle: { ...axisStyle().nameTextStyle, align: "left" }, axisLabel: { ...axisStyle().axisLabel, formatter: percent } },
    series: all.map((operator, i) => ({
      name: operator.name, type: "line", data: movingMeans(operator.shares),
      showSymbol: operator.shares.length < 3, symbol: symbol(i), lineStyle: { width: 2, type: DASHES[i % DASHES.length], color: palette(i) }, itemStyle: { color: palette(i) },
    })),
  });
  const rows = all.map(({ name, asked, proposals, credit }, i) => h("tr", null, h("th", { scope: "row", "data-title": "operator" }, themed(() => h("span", { class: "swatch" }, swatch(i))), " ", shorten(name, 60)),
    cell("asked", number(asked), { class: "number" }), cell("proposals", number(proposals), { class: "number" }), cell("credit", number(credit), { class: "number" })));
  const table = tableOf("Operators", ["operator", { text: "asked", class: "number" }, { text: "proposals", class: "number" }, { text: "credit", class: "number" }], rows, { class: "stack" });
  const note = h("p", { class: "note" }, "Credit: what a proposal of the last generations added to the front, over what random edits were expected to add. Share: the probability of being asked, mean of the last ten generations.");
  return { element: section("Operators", level, h("div", null, host, table, note)), mount: () => chartIn(host, option) };
}

function rejections(run, level) {
  if (!run.rejections?.length) return null;
  const most = Math.max(...run.rejections.map(([, n]) => n)), sum = run.rejections.reduce((total, [, n]) => total + n, 0);
  const rows = run.rejections.map(([kind, n]) => [h("span", { class: "name" }, shorten(kind, 160)), meter([{ share: n / most, kind: "part" }], `${n} of ${sum}`), h("span", { class: "number" }, `${number(n)} (${percent(n / sum)})`)]);
  return section("Rejections by kind", level, h("div", { class: "bars" }, rows));
}

function settings(level) {
  const names = [...new Set(runs.flatMap((run) => run.settings.map(([name]) => name)))];
  const maps = runs.map((run) => new Map(run.settings));
  const differs = (values) => values.some((value) => value !== values[0]);
  const rows = [...names.map((name) => [name, maps.map((map) => map.get(name) ?? "–")]), ["origins", runs.map((run) => (run.origins ?? []).join("\n"))], ["objectives", runs.map((run) => run.objectives.map(({ title, direction }) => `${title}, ${direction}`).join("\n"))]];
  const lines = (text) => text.split("\n").map((part) => h("div", null, part));
  const entries = rows.map(([name, values]) => {
    const mark = several && differs(values);
    return h("tr", { "data-differs": mark ? "" : null }, h("th", { scope: "row", "data-title": "setting" }, shorten(name, 200), mark ? h("span", { class: "muted" }, " ≠ differs") : null),
      values.map((value, i) => cell(several ? runs[i].label : "value", h("div", null, lines(value)), { class: mark ? "differs" : null })));
  });
  const only = several && h("button", { type: "button", class: "toggle", "aria-pressed": "false", click: ({ currentTarget: button }) => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    entries.forEach((entry) => { entry.hidden = on && entry.dataset.differs === undefined; });
  } }, "only differences");
  return section("Settings and origins", level, tableOf("Settings", ["setting", ...runs.map((run) => (several ? shorten(run.label, 60) : "value"))], entries, { class: several ? "stack" : "settings" }), { wide: true, tools: only ? h("div", { class: "bar" }, only) : null });
}

// ---------------------------------------------------------------------------------------------
// The page

const stateText = (run) => `${number(run.evaluated)} of ${number(run.budget)} evaluated`;
const unfinished = (run) => (run.running ? h("span", { class: "mark" }, "under way: this page loads itself again every 5 seconds") : run.ended ? null : h("span", { class: "mark warning" }, "stopped early"));

const bestText = (run) => {
  if (!run.limits?.length) return null;
  const limits = run.limits.map((limit) => shorten(limit, 60)).join(", ");
  return known(run.best) ? [summary(run, run.best), `${limits}: ${shorten(shortForm(run, run.best), 120)}`] : ["none", limits];
};

function keyFigures(run, open) {
  const best = bestText(run), covered = run.coverage?.covered, scores = run.scores ?? {};
  const ends = run.front.length > 1 ? `from ${summary(run, run.front[0])} to ${summary(run, run.front.at(-1))}` : run.front.length ? summary(run, run.front[0]) : "no architecture has a value for each objective";
  return tiles([
    ["size of the front", number(run.front.length), ends, true],
    finite(scores.hypervolume_ratio) && ["hypervolume ratio", number(scores.hypervolume_ratio, true), "of the exact front’s"],
    !finite(scores.hypervolume_ratio) && finite(scores.hypervolume) && ["hypervolume", number(scores.hypervolume, true)],
    finite(scores.igd) && ["IGD", number(scores.igd, true), finite(scores.igd_plus) ? `IGD+ ${number(scores.igd_plus, true)}` : null],
    covered?.length && ["coverage", `${number(covered.filter(Boolean).length)} of ${number(covered.length)}`, "parts of the range"],
    best && ["best within the limits", known(run.best) && open ? h("button", { type: "button", class: "plain", click: () => open(run, run.best) }, best[0]) : best[0], best[1], true],
  ].map((tile) => tile || null));
}

function runsTable() {
  const scored = (key) => runs.some((run) => finite(run.scores?.[key]));
  const columns = [
    ["evaluated", (run) => h("div", null, stateText(run), " ", unfinished(run))],
    ["front", (run) => number(run.front.length), true],
    scored("hypervolume_ratio") && ["HV ratio", (run) => number(run.scores?.hypervolume_ratio, true), true],
    scored("igd") && ["IGD", (run) => number(run.scores?.igd, true), true],
    scored("igd_plus") && ["IGD+", (run) => number(run.scores?.igd_plus, true), true],
    runs.some((run) => run.coverage) && ["coverage", (run) => (run.coverage ? `${number(run.coverage.covered.filter(Boolean).length)} of ${number(run.coverage.covered.length)}` : "–"), true],
    runs.some((run) => run.limits?.length) && ["best within the limits", (run) => { const best = bestText(run); return best ? h("div", null, best[0], h("div", { class: "small muted" }, best[1])) : "–"; }],
  ].filter(Boolean);
  const rows = runs.map((run) => h("tr", null,
    h("th", { scope: "row", "data-title": "run" }, h("div", null, themed(() => h("span", { class: "swatch" }, swatch(run.index))), " ", h("b", null, run.label), h("div", { class: "small muted" }, shorten(run.title, 160)))),
    columns.map(([title, content, right]) => cell(title, content(run), { class: right ? "number" : null }))));
  return section("Runs", 2, tableOf("Runs", ["run", ...columns.map(([text, , right]) => ({ text, class: right ? "number" : null }))], rows, { class: "stack" }), { wide: true });
}

/** What is of one run alone; `level` is that of its headings. */
function runPart(run, level, mounts) {
  const front = frontPanel([run], level), course = several ? null : convergence([run], level), shares = operators(run, level);
  if (front) mounts.push(front.mount);
  if (course) mounts.push(course.mount);
  if (shares) mounts.push(shares.mount);
  const title = several ? "Front of this run, by niche" : "Front";
  return { front, parts: [
    section(title, level, front?.panel, { wide: true }),
    several ? null : coverage([run], level), course?.element, predicted(run, level), failures(run, level), niches(run, level), shares?.element, cost(run, level), rejections(run, level), knowledge(run, level),
  ] };
}

function runTabs() {
  const host = h("div", { class: "grid", role: "tabpanel", "aria-label": "The chosen run" });
  const tabs = runs.map((run) => h("button", { type: "button", role: "tab", title: run.name, click: () => open(run), keydown: (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) { const next = runs[(run.index + by + runs.length) % runs.length]; open(next); tabs[next.index].focus(); }
  } }, run.label));
  function open(run) {
    dropChartsIn(host);
    document.body.classList.remove("sheet");
    tabs.forEach((tab, i) => { tab.setAttribute("aria-selected", String(i === run.index)); tab.tabIndex = i === run.index ? 0 : -1; });
    const mounts = [];
    host.replaceChildren(...runPart(run, 3, mounts).parts.filter(Boolean));
    mounts.forEach((mount) => mount());
  }
  return { element: h("div", { class: "run-part" }, h("h2", null, "Run by run"), h("div", { class: "tabs", role: "tablist", "aria-label": "Runs" }, tabs), host), mount: () => open(runs[0]) };
}

// What depends on the theme beyond CSS: charts, and what is drawn in colours of the palette.
const themeListeners = [];
function onTheme(listener) { themeListeners.push(listener); }

/** An element that is made anew when the theme changes. */
function themed(make) {
  let element = make();
  onTheme(() => { const next = make(); element.replaceWith(next); element = next; });
  return element;
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  themeListeners.forEach((listener) => listener());
  charts.forEach(({ redraw }) => redraw());
}

function themeButton() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = h("button", { type: "button", click: () => { chosen = true; set(dark() ? "light" : "dark"); } });
  let chosen = false;
  const set = (name) => { setTheme(name); button.textContent = name === "dark" ? "Light" : "Dark"; button.setAttribute("aria-label", `Change to ${button.textContent.toLowerCase()} colours`); };
  system.addEventListener("change", () => { if (!chosen) set(system.matches ? "dark" : "light"); });
  set(system.matches ? "dark" : "light");
  return button;
}

/** On paper: light, as wide as the paper, and nothing folded. */
function preparePrinting() {
  let before = null;
  addEventListener("beforeprint", () => {
    before = { theme: document.documentElement.dataset.theme, folded: [...document.querySelectorAll("details:not([open])")] };
    before.folded.forEach((details) => { details.open = true; });
    setTheme("light");
    charts.forEach(({ chart, host }) => chart.resize({ width: Math.min(660, host.clientWidth) }));
  });
  addEventListener("afterprint", () => {
    before?.folded.forEach((details) => { details.open = false; });
    if (before) setTheme(before.theme);
    charts.forEach(({ chart }) => chart.resize({ width: "auto" }));
  });
}

function drawPage() {
  const theme = themeButton(), mounts = [], first = runs[0];
  const titles = [...new Set(runs.map((run) => run.title))];
  const head = h("header", { class: "head" }, h("div", null, h("h1", null, several ? `${count(runs.length, "run")}: ${titles.map((title) => shorten(title, 120)).join("; ")}` : shorten(first.title, 240)),
    several ? null : h("div", { class: "state" }, h("span", { class: "mono" }, first.name), h("span", null, stateText(first)), unfinished(first))), theme);
  let parts;
  if (several) {
    // Only runs with the same objectives share axes.
    const like = runs.filter((run) => JSON.stringify(run.objectives) === JSON.stringify(first.objectives));
    const front = frontPanel(like, 2), course = convergence(runs, 2), tabs = runTabs();
    const apart = like.length < runs.length ? h("p", { class: "note" }, `Not drawn, since their objectives differ: ${runs.filter((run) => !like.includes(run)).map((run) => run.label).join(", ")}.`) : null;
    if (front && like.length > 1) mounts.push(front.mount);
    if (course) mounts.push(course.mount);
    mounts.push(tabs.mount);
    parts = [runsTable(), front && like.length > 1 ? section("Fronts", 2, h("div", null, front.panel, apart), { wide: true }) : null, coverage(runs, 2), course?.element, settings(2), tabs.element];
  } else {
    const own = runPart(first, 2, mounts);
    parts = [h("div", { style: { flexBasis: "100%", marginBottom: "-16px" } }, keyFigures(first, own.front?.pin)), ...own.parts, settings(2)];
  }
  document.getElementById("page").append(head, h("main", { class: "grid" }, parts));
  mounts.forEach((mount) => mount());
  preparePrinting();
}

drawPage();
