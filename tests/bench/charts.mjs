/**
 * The charts of docs/performance.md, as SVG: text stays text, and the colours follow the reader's
 * choice of light or dark. The background is drawn too, because a page may not follow that choice.
 * Series differ by shape as well as by colour.
 */
const WIDTH = 840;
const FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';

const STYLE = `<style>
.back { fill: #ffffff; stroke: #d0d7de; }
text { fill: #1f2328; font-size: 13px; }
.title { font-size: 15px; font-weight: 600; }
.quiet { fill: #59636e; font-size: 12px; }
.grid { stroke: #d8dee4; stroke-width: 1; }
.even { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 5 4; }
.extremes { stroke: #1f2328; stroke-width: 1.5; }
.mark { fill: #1a7f37; stroke: #ffffff; }
.first { fill: #0969da; }
.second { fill: #bc4c00; }
.line { stroke-width: 2.5; }
.line.first { stroke: #0969da; }
.line.second { stroke: #bc4c00; stroke-dasharray: 7 3; }
@media (prefers-color-scheme: dark) {
.back { fill: #0d1117; stroke: #3d444d; }
text { fill: #f0f6fc; }
.quiet { fill: #9198a1; }
.grid { stroke: #2a3038; }
.even { stroke: #9198a1; }
.extremes { stroke: #f0f6fc; }
.mark { fill: #3fb950; stroke: #0d1117; }
.first { fill: #4493f8; }
.second { fill: #f0883e; }
.line.first { stroke: #4493f8; }
.line.second { stroke: #f0883e; }
}
.line { fill: none; }
</style>`;

/** Tenths of a pixel: the same figures give the same bytes everywhere. */
const px = (value) => String(Math.round(value * 10) / 10);

const escaped = (text) =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function text(x, y, content, attributes = '') {
  return `<text x="${px(x)}" y="${px(y)}" ${attributes}>${escaped(content)}</text>`;
}

function line(x1, y1, x2, y2, kind) {
  return `<line class="${kind}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`;
}

function svg(height, title, description, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="t d" ${FONT}>`,
    `<title id="t">${escaped(title)}</title>`,
    `<desc id="d">${escaped(description)}</desc>`,
    STYLE,
    `<rect class="back" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>`,
    text(20, 30, title, 'class="title"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

const circle = (x, y) => `<circle class="first" cx="${px(x)}" cy="${px(y)}" r="4"/>`;
const square = (x, y) =>
  `<rect class="second" x="${px(x - 4)}" y="${px(y - 4)}" width="8" height="8"/>`;
const diamond = (x, y) => `<path class="mark" d="M${px(x)} ${px(y - 7)}l6 7l-6 7l-6 -7z"/>`;

/* Bars: one row per workload. */

const BAR = { left: 390, right: 70, top: 92, row: 27, height: 14 };

/** The end of the axis: the next quarter above everything that is shown. */
function axisEnd(rows) {
  const shown = rows.flatMap(({ value, most, mark }) => [value, most, mark]);
  return Math.ceil(Math.max(1, ...shown.filter(Number.isFinite)) * 4 + 0.2) / 4;
}

function barAxis(end, x, bottom) {
  const step = [0.25, 0.5, 1, 2, 5, 10, 50].find((size) => end / size <= 8) ?? 100;
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
  const labelled = ticks.flatMap((tick) => [
    line(x(tick), BAR.top - 8, x(tick), bottom, 'grid'),
    text(x(tick), bottom + 18, `${tick}×`, 'class="quiet" text-anchor="middle"'),
  ]);
  return [...labelled, line(x(1), BAR.top - 8, x(1), bottom, 'even')];
}

function bar({ label, value, least, most, mark }, index, x) {
  const middle = BAR.top + BAR.row * (index + 0.5);
  const [top, width] = [middle - BAR.height / 2, x(value) - x(0)];
  return [
    text(BAR.left - 12, middle + 4, label, 'text-anchor="end"'),
    `<rect class="first" x="${px(x(0))}" y="${px(top)}" width="${px(width)}" height="${BAR.height}"/>`,
    ...(Number.isFinite(least) ? [line(x(least), middle, x(most), middle, 'extremes')] : []),
    ...(Number.isFinite(mark) ? [diamond(x(mark), middle)] : []),
    text(WIDTH - 20, middle + 4, `${value.toFixed(2)}×`, 'text-anchor="end"'),
  ];
}

/** `{ subject, peer, mark }` are the names in the legend. */
function barLegend({ subject, peer, mark }) {
  const y = 56;
  return [
    `<rect class="first" x="20" y="${y - 6}" width="22" height="12"/>`,
    text(50, y + 4, subject, 'class="quiet"'),
    line(130, y, 152, y, 'extremes'),
    text(160, y + 4, 'its rounds, from least to most', 'class="quiet"'),
    line(366, y, 388, y, 'even'),
    text(396, y + 4, peer, 'class="quiet"'),
    diamond(446, y),
    text(460, y + 4, mark, 'class="quiet"'),
  ];
}

/** Rows of `{ label, value, least, most, mark }`, as multiples of what the peer costs. */
export function barChart({ title, xTitle, legend, rows }) {
  const bottom = BAR.top + BAR.row * rows.length + 4;
  const [end, width] = [axisEnd(rows), WIDTH - BAR.left - BAR.right];
  const x = (value) => BAR.left + (value / end) * width;
  const spoken = rows.map(({ label, value }) => `${label}: ${value.toFixed(2)}×`).join('; ');
  return svg(bottom + 56, title, `${xTitle}. ${spoken}.`, [
    ...barLegend(legend),
    ...barAxis(end, x, bottom),
    ...rows.flatMap((row, index) => bar(row, index, x)),
    text(BAR.left + width / 2, bottom + 42, xTitle, 'class="quiet" text-anchor="middle"'),
  ]);
}

/* Lines: both axes logarithmic. */

const PLOT = { left: 92, right: 92, top: 52, bottom: 62, height: 400 };
const LABEL_APART = 16;

function logScale([from, to], start, end) {
  const [low, high] = [Math.log10(from), Math.log10(to)];
  return (value) => start + ((Math.log10(value) - low) / (high - low || 1)) * (end - start);
}

/** 1, 2, 5, 10, …: from the last below everything to the first above it. */
function logTicks(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const first = Math.floor(Math.log10(least));
  const count = Math.ceil(Math.log10(most)) - first + 1;
  const decades = Array.from({ length: count }, (_, i) => 10 ** (first + i));
  const all = decades.flatMap((decade) => [1, 2, 5].map((n) => n * decade));
  const from = all.findLastIndex((tick) => tick <= least);
  const to = all.findIndex((tick) => tick >= most);
  const ticks = all.slice(from, Math.max(to, from + 1) + 1);
  return { ends: [ticks[0], ticks.at(-1)], ticks };
}

/** Of many ticks only the powers of ten carry a label and a line. */
function shown({ ticks }) {
  if (ticks.length <= 8) return ticks;
  return ticks.filter((tick) => /^10*$|^0\.0*1$/.test(String(tick)));
}

const KINDS = [
  { kind: 'first', point: circle },
  { kind: 'second', point: square },
];

function curve({ points }, { kind, point }, x, y) {
  const at = points.map(([across, up]) => [x(across), y(up)]);
  const path = at.map(([left, top], i) => `${i === 0 ? 'M' : 'L'}${px(left)} ${px(top)}`).join('');
  return [`<path class="line ${kind}" d="${path}"/>`, ...at.map(([left, top]) => point(left, top))];
}

/** The names at the ends of the lines, apart from each other. */
function endLabels(series, x, y) {
  const ends = series.map(({ name, points }) => ({ name, end: points.at(-1) }));
  ends.sort((a, b) => y(a.end[1]) - y(b.end[1]));
  let free = 0;
  return ends.map(({ name, end }) => {
    const top = Math.max(y(end[1]) + 4, free);
    free = top + LABEL_APART;
    return text(x(end[0]) + 12, top, name);
  });
}

/**
 * `series` is `[{ name, points: [[x, y], …] }]`, at most two; what is not above 0 has no place on
 * a logarithmic axis. `xLabel` and `yLabel` write the ticks.
 */
export function lineChart({ title, xTitle, yTitle, series, xLabel, yLabel }) {
  const positive = ([across, up]) => across > 0 && up > 0;
  const drawn = series
    .map(({ name, points }, i) => ({ name, points: points.filter(positive), ...KINDS[i] }))
    .filter(({ points }) => points.length > 0);
  const all = drawn.flatMap(({ points }) => points);
  const xs = [...new Set(all.map(([across]) => across))].sort((a, b) => a - b);
  const [right, bottom] = [WIDTH - PLOT.right, PLOT.height - PLOT.bottom];
  const scale = logTicks(all.map(([, up]) => up));
  const x = logScale([xs[0], xs.at(-1)], PLOT.left, right);
  const y = logScale(scale.ends, bottom, PLOT.top);
  const middle = (PLOT.top + bottom) / 2;
  return svg(PLOT.height, title, `${yTitle}, by ${xTitle}; both axes are logarithmic.`, [
    ...shown(scale).flatMap((tick) => [
      line(PLOT.left, y(tick), right, y(tick), 'grid'),
      text(PLOT.left - 10, y(tick) + 4, yLabel(tick), 'class="quiet" text-anchor="end"'),
    ]),
    ...xs.flatMap((tick) => [
      line(x(tick), PLOT.top, x(tick), bottom, 'grid'),
      text(x(tick), bottom + 18, xLabel(tick), 'class="quiet" text-anchor="middle"'),
    ]),
    text((PLOT.left + right) / 2, bottom + 44, xTitle, 'class="quiet" text-anchor="middle"'),
    text(
      22,
      middle,
      yTitle,
      `class="quiet" text-anchor="middle" transform="rotate(-90 22 ${px(middle)})"`,
    ),
    ...drawn.flatMap((one) => curve(one, one, x, y)),
    ...endLabels(drawn, x, y),
  ]);
}
