/** What is given back of the routines that wait at a node, for another that has idle threads. */
import { isPort } from '../client/payload.ts'
import { shareToGive } from '../protocol/recall.ts'
import type { Task } from './contract.ts'
import type { RunningRoutine } from './running-routine.ts'
import type { ThreadTeam } from './thread-team.ts'

/**
 * Whether it can run elsewhere if it has not begun: it never has, nobody stops it, and its
 * arguments can be sent once more.
 */
function mayMove({ task, thread, attempt, ...record }: RunningRoutine): boolean {
  // What was assigned counts as an attempt.
  const begun = attempt - (thread === 0 ? 0 : 1) - (task.attempt ?? 0)
  const isWanted = record.stopping === undefined && record.unwanted === undefined
  return begun === 0 && isWanted && !record.handedOver && !isPort(task.payload)
}

export interface TakenBack {
  /** They are in no queue and on no thread any more. */
  readonly taken: readonly RunningRoutine[]
  /** How many more it might have been. */
  readonly left: number
}

/** Takes back half of the tasks that wait and are meant, so many at most, the last ones first. */
export function takeBack(
  team: ThreadTeam,
  records: ReadonlyMap<number, RunningRoutine>,
  most: number,
  isMeant: (task: Task) => boolean,
): TakenBack {
  const waiting: RunningRoutine[] = []
  for (const routine of team.waitingLastFirst()) {
    const record = records.get(routine)
    if (record !== undefined && mayMove(record) && isMeant(record.task)) waiting.push(record)
  }
  const wanted = shareToGive(waiting.length, most)
  const taken: RunningRoutine[] = []
  let left = waiting.length
  for (const record of waiting) {
    if (taken.length === wanted) break
    const isTaken = team.takeOut(record)
    if (isTaken) taken.push(record)
    // Its thread was faster: it has begun, or is on its way back, for the thread parks.
    if (isTaken || record.announced) left--
  }
  return { taken, left }
}
