/** Figures for people: few digits, and a unit that is said once, in the head of the column. */

/** Three digits that count. */
export function figureText(value: number): string {
  if (!Number.isFinite(value)) return 'unknown'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(Math.min(4, 2 - Math.floor(Math.log10(size))))
}

/** A ratio, and where the middle half of the rounds' ratios lies. */
export function ratioText(ratio: number, spread?: readonly [number, number]): string {
  if (spread === undefined) return figureText(ratio)
  return `${figureText(ratio)} (${figureText(spread[0])} to ${figureText(spread[1])})`
}

export function wantedText(wanted: { atMost: number } | { atLeast: number }): string {
  return 'atMost' in wanted
    ? `at most ${figureText(wanted.atMost)}`
    : `at least ${figureText(wanted.atLeast)}`
}

export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
