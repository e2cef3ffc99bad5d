/** The parts that the figures of the documents are drawn with. */

const STYLE = `
.back { fill: #ffffff; stroke: #d0d7de; }
text { fill: #1f2328; font-size: 13px; }
.title { font-size: 15px; font-weight: 600; }
.quiet { fill: #59636e; font-size: 12px; }
.tiny { fill: #59636e; font-size: 10px; }
.halo { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round; }
.code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.strong { font-weight: 600; }
.box { fill: #f6f8fa; stroke: #8c959f; }
.key { fill: #ddf4ff; stroke: #0969da; }
.end { fill: #fff1e5; stroke: #bc4c00; }
.line { fill: none; stroke: #59636e; stroke-width: 1.5; }
.faint { fill: none; stroke: #afb8c1; stroke-width: 1; }
.main { fill: none; stroke: #0969da; stroke-width: 2.5; }
.head { fill: #59636e; }
.mainhead { fill: #0969da; }
.dot { fill: #0969da; }
@media (prefers-color-scheme: dark) {
.back { fill: #0d1117; stroke: #3d444d; }
text { fill: #f0f6fc; }
.quiet, .tiny { fill: #9198a1; }
.halo { stroke: #0d1117; }
.box { fill: #151b23; stroke: #656c76; }
.key { fill: #0c2d6b; stroke: #4493f8; }
.end { fill: #4a2008; stroke: #f0883e; }
.line { stroke: #9198a1; }
.faint { stroke: #4b535d; }
.main { stroke: #4493f8; }
.head { fill: #9198a1; }
.mainhead { fill: #4493f8; }
.dot { fill: #4493f8; }
}`;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

const escapeText = (text: string): string =>
  text.replace(/[&<>]/g, (char) => ESCAPES[char] ?? char);

/** A figure: what is drawn, on a background with a title. */
export function figure(
  size: { readonly width: number; readonly height: number },
  title: string,
  description: string,
  parts: readonly string[],
): string {
  const { width, height } = size;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="t d" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">`,
    `<title id="t">${escapeText(title)}</title>`,
    `<desc id="d">${escapeText(description)}</desc>`,
    `<style>${STYLE}\n</style>`,
    '<defs>',
    ...['head', 'mainhead'].map(
      (name) =>
        `<marker id="${name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="${name}" d="M0 0 8 4 0 8z"/></marker>`,
    ),
    '</defs>',
    `<rect class="back" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    text(20, 30, title, 'title'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

export type Anchor = 'start' | 'middle' | 'end';

export function text(
  x: number,
  y: number,
  value: string,
  style = '',
  anchor: Anchor = 'start',
): string {
  const attributes = `${style && ` class="${style}"`}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`;
  return `<text x="${x}" y="${y}"${attributes}>${escapeText(value)}</text>`;
}

export function box(
  x: number,
  y: number,
  width: number,
  height: number,
  style = 'box',
  radius = 4,
): string {
  return `<rect class="${style}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`;
}

/** A path; with an arrow at its end unless it is faint. */
export function path(data: string, style: 'line' | 'main' | 'faint' = 'line'): string {
  const marker = { line: 'head', main: 'mainhead', faint: '' }[style];
  return `<path class="${style}" d="${data}"${marker && ` marker-end="url(#${marker})"`}/>`;
}

export function dot(x: number, y: number, radius = 4): string {
  return `<circle class="dot" cx="${x}" cy="${y}" r="${radius}"/>`;
}
