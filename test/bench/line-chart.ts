/**
 * Line charts with logarithmic axes as SVG, for pages: readable on light and dark backgrounds.
 */

/** A chart. Points with a value that is not above zero are left out. */
export interface LineChart {
  /** Name of the file, without `.svg`. */
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly ChartLine[];
}

export interface ChartLine {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 720;
const HEIGHT = 420;
const MARGIN = { left: 70, right: 190, top: 40, bottom: 50 } as const;
/** Distinct for most kinds of colour blindness (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

/** The chart as an SVG document. */
export function svgOf(chart: LineChart): string {
  const lines = chart.lines.map(({ name, points }) => ({
    name,
    points: points.filter(([x, y]) => x > 0 && y > 0),
  }));
  const all = lines.flatMap(({ points }) => points);
  const x = axis(
    all.map(([value]) => value),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const y = axis(
    all.map(([, value]) => value),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const xTicks = [...new Set(all.map(([value]) => value))].sort((a, b) => a - b);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#777">`,
    text(WIDTH / 2, 20, 'middle', chart.title, 'font-size="15"'),
    text((MARGIN.left + WIDTH - MARGIN.right) / 2, HEIGHT - 10, 'middle', chart.x),
    text(MARGIN.left, MARGIN.top - 8, 'middle', chart.y),
    ...xTicks.map((tick) => text(x.at(tick), HEIGHT - MARGIN.bottom + 18, 'middle', short(tick))),
    ...y.ticks.flatMap((tick) => [
      `<path d="M${MARGIN.left} ${y.at(tick)}H${WIDTH - MARGIN.right}" stroke="#999" stroke-opacity="0.3"/>`,
      text(MARGIN.left - 8, y.at(tick) + 4, 'end', short(tick)),
    ]),
    ...lines.flatMap((line, i) => lineOf(line, i, x.at, y.at)),
    '</svg>',
    '',
  ].join('\n');
}

interface Axis {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** A logarithmic axis between two ends on paper, from one power of ten to another. */
function axis(values: readonly number[], from: number, to: number): Axis {
  const low = Math.floor(Math.log10(Math.min(...values, Infinity)));
  const high = Math.ceil(Math.log10(Math.max(...values, 0)));
  const [first, last] = Number.isFinite(low) ? [low, Math.max(high, low + 1)] : [0, 1];
  const decades = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  const at = (value: number): number =>
    Math.round((from + ((Math.log10(value) - first) / (last - first)) * (to - from)) * 10) / 10;
  return { ticks: decades, at };
}

function lineOf(
  { name, points }: ChartLine,
  index: number,
  x: (value: number) => number,
  y: (value: number) => number,
): string[] {
  const colour = COLOURS[index % COLOURS.length] ?? '#777';
  const places = points.map(([px, py]) => [x(px), y(py)] as const);
  const keyY = MARGIN.top + 10 + index * 20;
  const keyX = WIDTH - MARGIN.right + 12;
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${places.map((place) => place.join(',')).join(' ')}"/>`,
    ...places.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3.5" fill="${colour}"/>`),
    `<path d="M${keyX} ${keyY}h18" stroke="${colour}" stroke-width="3"/>`,
    text(keyX + 24, keyY + 4, 'start', name),
  ];
}

function text(x: number, y: number, anchor: string, content: string, more = ''): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" ${more}>${safe}</text>`;
}

/** `0.5`, `64`, `10k`, `16M` */
function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}
