/**
 * Why some steps cannot be in any order: the steps behind a contradiction, so that few acts have to
 * be looked at to show it.
 */
import type { ClientOrder, Step } from './client-order.ts'

/** That one step comes before another, which something else followed from. */
export interface Link {
  readonly from: Step
  readonly to: Step
  /** The look at a field that makes it count. */
  readonly because: Step
  /** Edges of this number and later ones did not exist yet. */
  readonly since: number
}

/** The steps on the ways between the ends of links, and of those that the edges came from. */
export function stepsBehind(
  links: readonly Link[],
  order: ClientOrder,
  edges: readonly (readonly number[])[],
  reasons: readonly (readonly (Link | undefined)[])[],
): Set<Step> {
  const steps = new Set<Step>()
  const queue = [...links]
  const been = new Set<Link>()
  for (let link = queue.pop(); link !== undefined; link = queue.pop()) {
    if (been.has(link)) continue
    been.add(link)
    for (const each of [link.from, link.to, link.because]) steps.add(each)
    for (const { step, reason } of wayOf(link, order, edges, reasons)) {
      steps.add(step)
      if (reason !== undefined) queue.push(reason)
    }
  }
  return steps
}

interface Stage {
  readonly step: Step
  /** Of the edge from it; undefined where its client's order or its value leads on. */
  readonly reason: Link | undefined
  readonly after: Stage | undefined
}

/** A shortest way from one end to the other, backwards by what existed then. */
function wayOf(
  { from, to, since }: Link,
  { clients, steps }: ClientOrder,
  edges: readonly (readonly number[])[],
  reasons: readonly (readonly (Link | undefined)[])[],
): Stage[] {
  const seen = new Set<Step>([to])
  let stages: Stage[] = [{ step: to, reason: undefined, after: undefined }]
  while (stages.length > 0) {
    const next: Stage[] = []
    const reach = (step: Step | undefined, reason: Link | undefined, after: Stage): void => {
      if (step === undefined || seen.has(step)) return
      seen.add(step)
      next.push({ step, reason, after })
    }
    for (const stage of stages) {
      if (stage.step === from) return unrolled(stage)
      reach(clients[stage.step.client]?.[stage.step.place - 1], undefined, stage)
      for (const [at, index] of (edges[stage.step.index] ?? []).entries()) {
        const reason = reasons[stage.step.index]?.[at]
        if ((reason?.since ?? 0) < since) reach(steps[index], reason, stage)
      }
    }
    stages = next
  }
  return []
}

function unrolled(first: Stage): Stage[] {
  const way: Stage[] = []
  for (let stage: Stage | undefined = first; stage !== undefined; stage = stage.after) {
    way.push(stage)
  }
  return way
}
