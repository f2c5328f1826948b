/** A line through points, or the points alone where there is one. */
export interface Series {
  readonly label: string
  readonly colour: string
  readonly dashed: boolean
  /** Drawn thin and pale: the tail beside its median. */
  readonly faint: boolean
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Panel {
  readonly title: string
  readonly series: readonly Series[]
  /** Filled up to here in grey: what no series can go below. */
  readonly floor: { readonly label: string; readonly points: readonly (readonly [x: number, y: number])[] }
}

export interface Chart {
  readonly title: string
  readonly subtitle: string
  readonly xLabel: string
  readonly yLabel: string
  readonly panels: readonly Panel[]
}

const PANEL = { width: 420, height: 300, left: 56, right: 20, top: 84, bottom: 48 } as const
const LEGEND = { width: 250, rowHeight: 20 } as const
const INK = '#222222'
const GRID = '#dddddd'
const FLOOR = '#cccccc'
const FONT = 'font-family="system-ui, sans-serif"'

interface Scale {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
  readonly xTicks: readonly number[]
  readonly yTicks: readonly number[]
}

/** Panels side by side on one scale, logarithmic both ways: medians and tails are told apart there, and few from many. SVG 1.1 text. */
export function renderChart(chart: Chart): string {
  const legend = legendOf(chart)
  const cell = PANEL.left + PANEL.width + PANEL.right
  const width = cell * Math.max(1, chart.panels.length) + LEGEND.width
  const height = Math.max(PANEL.top + PANEL.height + PANEL.bottom, PANEL.top + legend.length * LEGEND.rowHeight)
  const scale = scaleOf(chart)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(PANEL.left, 28, chart.title, { size: 18, weight: 'bold' }),
    text(PANEL.left, 48, chart.subtitle, { size: 12 }),
    ...chart.panels.map((panel, i) => group(i * cell + PANEL.left, PANEL.top, renderPanel(panel, scale, chart))),
    group(chart.panels.length * cell, PANEL.top, legend.join('\n')),
    '</svg>',
    ''
  ].join('\n')
}

function renderPanel({ title, series, floor }: Panel, scale: Scale, { xLabel, yLabel }: Chart): string {
  return [
    text(0, -10, title, { size: 14, weight: 'bold' }),
    area(floor.points, scale),
    ...scale.yTicks.map((tick) => gridLine(tick, scale)),
    ...scale.xTicks.map((tick) => text(scale.x(tick), PANEL.height + 18, String(tick), { anchor: 'middle' })),
    text(PANEL.width / 2, PANEL.height + 38, xLabel, { anchor: 'middle' }),
    `<g transform="translate(-42 ${PANEL.height / 2}) rotate(-90)">${text(0, 0, yLabel, { anchor: 'middle' })}</g>`,
    ...series.map((one) => renderSeries(one, scale))
  ].join('\n')
}

function renderSeries({ points, ...look }: Series, { x, y }: Scale): string {
  const places = points.map((point) => `${round(x(point[0]))},${round(y(point[1]))}`)
  const dots = places.map((place) => {
    const [cx, cy] = place.split(',')
    return `<circle cx="${cx}" cy="${cy}" r="${look.faint ? 2 : 3}" fill="${look.colour}" opacity="${opacity(look)}"/>`
  })
  return [`<polyline points="${places.join(' ')}" fill="none" ${strokeOf(look)}/>`, ...dots].join('\n')
}

type Look = Pick<Series, 'colour' | 'dashed' | 'faint'>

const opacity = ({ faint }: Look): number => (faint ? 0.5 : 1)

function strokeOf(look: Look): string {
  const dash = look.dashed ? ' stroke-dasharray="5 4"' : ''
  return `stroke="${look.colour}" stroke-width="${look.faint ? 1 : 2}" opacity="${opacity(look)}"${dash}`
}

function area(points: Panel['floor']['points'], { x, y }: Scale): string {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return ''
  // A single point becomes a bar wide enough to be seen.
  const reach = points.length === 1 ? 12 : 0
  const top = points.map((point) => [x(point[0]), y(point[1])] as const)
  const path = [
    [x(first[0]) - reach, PANEL.height],
    [x(first[0]) - reach, y(first[1])],
    ...top,
    [x(last[0]) + reach, y(last[1])],
    [x(last[0]) + reach, PANEL.height]
  ]
  return `<polygon points="${path.map(([px = 0, py = 0]) => `${round(px)},${round(py)}`).join(' ')}" fill="${FLOOR}"/>`
}

function gridLine(tick: number, { y }: Scale): string {
  const at = round(y(tick))
  const line = `<line x1="0" x2="${PANEL.width}" y1="${at}" y2="${at}" stroke="${GRID}"/>`
  return `${line}${text(-8, at + 4, String(tick), { anchor: 'end' })}`
}

/** One row for each look that occurs, and the floor's. */
function legendOf({ panels }: Chart): readonly string[] {
  const looks = new Map(panels.flatMap(({ series }) => series.map((one) => [one.label, one] as const)))
  const rows = [...looks.values()].map((one) => (row: number) => {
    const line = `<line x1="0" x2="28" y1="${row - 4}" y2="${row - 4}" ${strokeOf(one)}/>`
    return `${line}${text(36, row, one.label, {})}`
  })
  const floors = [...new Set(panels.map(({ floor }) => floor.label))].map((label) => (row: number) => {
    return `<rect x="0" y="${row - 12}" width="28" height="12" fill="${FLOOR}"/>${text(36, row, label, {})}`
  })
  return [...rows, ...floors].map((render, index) => render(index * LEGEND.rowHeight + 10))
}

function scaleOf({ panels }: Chart): Scale {
  const points = panels.flatMap(({ series, floor }) => [...series.flatMap((one) => one.points), ...floor.points])
  const xs = points.map(([x]) => x)
  const ys = points.map(([, y]) => y).filter((y) => y > 0)
  const xTicks = [...new Set(xs)].sort((a, b) => a - b)
  const [low, high] = [Math.log10(Math.min(1, ...ys)), Math.log10(Math.max(10, ...ys) * 1.1)]
  const [left, right] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))]
  const margin = 16
  return {
    x: (value) =>
      left === right
        ? PANEL.width / 2
        : margin + ((Math.log10(value) - left) / (right - left)) * (PANEL.width - 2 * margin),
    y: (value) => PANEL.height * (1 - (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)),
    xTicks,
    yTicks: logTicks(10 ** low, 10 ** high)
  }
}

/** 1, 2, 5, 10, ... within the bounds. */
function logTicks(low: number, high: number): readonly number[] {
  const decades = Array.from({ length: 12 }, (_, i) => 10 ** (i - 4))
  const ticks = decades.flatMap((decade) => [1, 2, 5].map((step) => Number((step * decade).toPrecision(1))))
  return ticks.filter((tick) => tick >= low && tick <= high)
}

interface TextLook {
  readonly size?: number
  readonly weight?: string
  readonly anchor?: string
}

function text(
  x: number,
  y: number,
  content: string,
  { size = 12, weight = 'normal', anchor = 'start' }: TextLook
): string {
  const look = `${FONT} font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${INK}"`
  return `<text x="${round(x)}" y="${round(y)}" ${look}>${escaped(content)}</text>`
}

const group = (x: number, y: number, content: string): string =>
  `<g transform="translate(${x} ${y})">\n${content}\n</g>`
const round = (value: number): number => Math.round(value * 10) / 10
const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
