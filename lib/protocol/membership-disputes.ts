/**
 * Who goes, of members that cannot reach each other though the spawner reaches them all. One of
 * each such pair has to, and never both.
 */

/** Two members, by place, one of whom said that it cannot reach the other. */
export interface Dispute {
  readonly lower: number
  readonly higher: number
  readonly reportedAt: number
}

/**
 * The next to go for one of the disputes that are due; `null` when there is none left.
 *
 * 1. One that was not heard of since the report is dead or cut off: the others are right about it.
 * 2. Otherwise the one with most opponents: a majority cannot reach it.
 * 3. Otherwise the higher place: the objects and locks lie at the lowest unless told otherwise.
 */
export function nextLoser(
  disputes: readonly Dispute[],
  isDue: (dispute: Dispute) => boolean,
  heardAt: (place: number) => number,
): number | null {
  const due = disputes.filter(isDue)
  for (const { lower, higher, reportedAt } of due) {
    const lowerSilent = heardAt(lower) < reportedAt
    if (lowerSilent !== heardAt(higher) < reportedAt) return lowerSilent ? lower : higher
  }
  let loser: number | null = null
  let most = 0
  for (const place of due.flatMap(({ lower, higher }) => [lower, higher])) {
    const opponents = opponentsOf(disputes, place)
    if (opponents < most || (opponents === most && place < (loser ?? 0))) continue
    most = opponents
    loser = place
  }
  return loser
}

/** Those of disputes count that are not yet due. */
function opponentsOf(disputes: readonly Dispute[], place: number): number {
  return disputes.filter(({ lower, higher }) => lower === place || higher === place).length
}
