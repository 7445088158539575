/**
 * Charts as SVG, drawn ahead by echarts, which the installed package may lack: then there are none.
 *
 * - Colours are names until the page gives them a value, for light and for dark: the library is
 *   given numbers that stand for them, and the drawing gets variables of CSS in their place.
 * - A drawing has its size, so that its text has; there is one for wide pages and one for narrow.
 */
import type { Chart, LineChart, RatioChart } from './report-charts.ts'

/** Of the library, what is used here: it may not be installed, and so its types may not. */
interface ChartLibrary {
  init(element: null, theme: null, options: object): Drawing
}

interface Drawing {
  setOption(option: object): void
  renderToSVGString(): string
  dispose(): void
}

export interface ChartSize {
  readonly width: number
  readonly isNarrow: boolean
}

export type DrawChart = (chart: Chart, size: ChartSize) => string

/** Not a literal: no bundler and no compiler is to look for it. */
const libraryName = 'echarts'

/** What stands for the colours of the page: of series by number, of text, of lines. */
const colourMark = '#0a0b'
const ink = `${colourMark}f0`
const faint = `${colourMark}f1`
const line = `${colourMark}f2`
const card = `${colourMark}f3`

export const seriesMarks = [
  { symbol: 'circle', dash: 'solid' },
  { symbol: 'rect', dash: [8, 4] },
  { symbol: 'triangle', dash: [2, 3] },
  { symbol: 'diamond', dash: [10, 3, 2, 3] },
  { symbol: 'arrow', dash: [5, 5] },
] as const

/** Undefined where the library is not installed. */
export async function chartDrawer(name: string = libraryName): Promise<DrawChart | undefined> {
  let library: ChartLibrary
  try {
    library = (await import(name)) as ChartLibrary
  } catch {
    return undefined
  }
  return (chart, size) => {
    const height = heightOf(chart, size)
    const options = { renderer: 'svg', ssr: true, width: size.width, height }
    const drawing = library.init(null, null, options)
    try {
      const option = chart.kind === 'lines' ? linesOption(chart, size) : ratioOption(chart, size)
      drawing.setOption({ animation: false, ...option })
      return withVariables(drawing.renderToSVGString(), chart, size.width, height)
    } finally {
      drawing.dispose()
    }
  }
}

const rowHeight = 24
const narrowRowHeight = 42

function heightOf(chart: Chart, { isNarrow }: ChartSize): number {
  if (chart.kind === 'lines') return 280
  return 70 + (isNarrow ? narrowRowHeight : rowHeight) * chart.rows.length
}

const text = { color: ink, fontFamily: 'system-ui, sans-serif', fontSize: 13 }
const axisLine = { lineStyle: { color: faint } }
const splitLine = { lineStyle: { color: line } }

function linesOption({ labels, unit, series, range }: LineChart, { isNarrow }: ChartSize): object {
  return {
    textStyle: text,
    grid: { left: 64, right: 20, top: 34, bottom: 46 },
    xAxis: {
      type: 'category',
      data: labels.names,
      name: labels.title,
      nameLocation: 'middle',
      nameGap: 30,
      nameTextStyle: text,
      axisLabel: { ...text, interval: 0 },
      axisLine,
      axisTick: { show: false },
      boundaryGap: isNarrow ? ['8%', '8%'] : true,
    },
    yAxis: {
      type: 'log',
      name: unit,
      nameTextStyle: { ...text, align: 'left', padding: [0, 0, 0, -54] },
      min: range[0],
      max: range[1],
      axisLabel: { ...text, formatter: shortText },
      splitLine,
      axisLine: { show: false },
    },
    series: series.map(({ values, colour }) => {
      const { symbol, dash } = seriesMarks[colour % seriesMarks.length] ?? seriesMarks[0]
      const color = colourOf(colour)
      return {
        type: 'line',
        data: values.map((value) => (Number.isFinite(value) && value > 0 ? value : null)),
        symbol,
        symbolSize: 9,
        connectNulls: true,
        itemStyle: { color },
        lineStyle: { color, width: 2.5, type: dash },
      }
    }),
  }
}

function ratioOption(chart: RatioChart, { isNarrow }: ChartSize): object {
  const { rows, unit, mark } = chart
  const left = isNarrow ? 14 : 350
  const most = Math.max(mark.at, ...rows.map(({ value }) => value))
  // Far ratios would leave the near ones no room.
  const isFar = most > 20
  return {
    textStyle: text,
    grid: { left, right: 60, top: 26, bottom: 44 },
    xAxis: {
      type: isFar ? 'log' : 'value',
      name: isFar ? `${unit} (logarithmic)` : unit,
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: text,
      min: isFar ? 0.5 : 0,
      max: isFar ? 10 ** Math.ceil(Math.log10(most)) : Math.ceil(most),
      axisLabel: { ...text, hideOverlap: true },
      splitLine,
    },
    yAxis: {
      type: 'category',
      // Its names lie over the lines of the chart.
      z: 10,
      inverse: true,
      data: rows.map(({ name }) => name),
      axisLabel: { ...text, interval: 0, ...(isNarrow ? aboveItsBar : {}) },
      axisLine,
      axisTick: { show: false },
    },
    series: [{ ...barSeries(chart), barWidth: 14 }],
  }
}

/** A narrow page has no room beside the bars. */
const aboveItsBar = {
  inside: true,
  align: 'left',
  verticalAlign: 'bottom',
  margin: 2,
  padding: [0, 0, 8, 0],
  fontSize: 11.5,
  textBorderColor: card,
  textBorderWidth: 4,
}

function barSeries({ rows, mark }: RatioChart): object {
  return {
    type: 'bar',
    data: rows.map(({ value, colour }) => ({ value, itemStyle: { color: colourOf(colour) } })),
    label: {
      show: true,
      position: 'right',
      ...text,
      // The line of the mark may run behind it.
      textBorderColor: card,
      textBorderWidth: 4,
      formatter: ({ value }: Drawn) => shown(value),
    },
    markLine: {
      silent: true,
      symbol: 'none',
      data: [{ xAxis: mark.at }],
      lineStyle: { color: ink, width: 1.5, type: 'dashed' },
      label: { ...text, formatter: mark.name, position: 'start' },
    },
  }
}

interface Drawn {
  readonly value: number
}

function shown(value: number): string {
  return value >= 10 ? value.toFixed(0) : value.toFixed(1)
}

/** `20 k`: an axis has no room for more. */
function shortText(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000} M`
  if (value >= 1_000) return `${value / 1_000} k`
  return String(Number(value.toPrecision(2)))
}

function colourOf(series: number): string {
  return `${colourMark}${series.toString(16).padStart(2, '0')}`
}

/** Of a mark's last two digits, the variable of the page. */
const variables: Readonly<Record<string, string>> = {
  f0: '--ink',
  f1: '--faint',
  f2: '--line',
  f3: '--card',
}

function withVariables(svg: string, chart: Chart, width: number, height: number): string {
  const pattern = new RegExp(`${colourMark}([0-9a-f]{2})`, 'gi')
  const coloured = svg.replaceAll(
    pattern,
    (_, digits: string) => `var(${variables[digits] ?? `--series-${Number.parseInt(digits, 16)}`})`,
  )
  // It says what it is to who cannot see it, and shrinks with a page that is narrower still.
  const label = `role="img" aria-label="${attribute(chart.title)}"`
  const head = `<svg ${label} viewBox="0 0 ${width} ${height}"`
  return coloured
    .replace(/^<svg[^>]*?(?=\sxmlns)/, head)
    .replace(/<rect[^>]*fill="none"[^>]*><\/rect>/, '')
}

function attribute(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
