/**
 * What the threads of this node may read by themselves: objects that one of them has opened, as
 * their machines show them. The memory is `lib/memory`; the page is docs/replicas.md.
 *
 * Rule 1: nothing is published that no thread has asked for: a change then costs nothing.
 * Rule 2: what a machine orders at once shows at once, and before anything else that it orders is
 * done: whoever is told of a write finds it in the memory.
 */
import { publishedObjectsMax } from '../limits.ts'
import { ReplicaWriter } from '../memory/replica-writer.ts'
import type { CellRow } from '../protocol/replica.ts'
import type { MemoryAnswer, MemoryOperation, SharedStore } from '../wire/memory-messages.ts'

/** A change of an object's field. */
export interface CellChange extends CellRow {
  readonly object: string
}

type OpenOperation = Extract<MemoryOperation, readonly ['open', ...unknown[]]>

export class Published {
  readonly memory: ReplicaWriter
  readonly #objectsMax: number
  #objects = 0

  constructor(hubWords: Int32Array, objectsMax = publishedObjectsMax) {
    this.memory = new ReplicaWriter(hubWords)
    this.#objectsMax = objectsMax
  }

  /** @param rows what the object's machine shows of it; `null`: nothing may be read now */
  open(
    [, store, object, from, generation]: OpenOperation,
    rows: () => readonly CellRow[] | null,
  ): MemoryAnswer {
    const { memory } = this
    const key = keyOf(store, object)
    if (!memory.isPublished(key)) {
      // What is published stays so: names that are made up as a program goes would fill the memory.
      if (this.#objects >= this.#objectsMax) return 0
      const shown = rows()
      if (shown === null) return null
      memory.publish(key, shown)
      this.#objects += 1
    }
    const now = memory.generation(key)
    const first = now === generation ? from : 0
    return [now, first, ...memory.blocks(key, first)]
  }

  segment(index: number): MemoryAnswer {
    return this.memory.segment(index) ?? null
  }

  isOpen(store: SharedStore, object: string): boolean {
    return this.memory.isPublished(keyOf(store, object))
  }

  /** In this order; fields of one object that follow each other change at once. */
  show(store: SharedStore, changes: readonly CellChange[]): void {
    let from = 0
    while (from < changes.length) {
      const { object } = changes[from] as CellChange
      let to = from + 1
      while (changes[to]?.object === object) to++
      const key = keyOf(store, object)
      if (this.memory.isPublished(key)) this.memory.show(key, lastOfEach(changes.slice(from, to)))
      from = to
    }
  }
}

/**
 * A step that takes what waited for a view may change a field more than once: it shows what it is
 * after the step.
 */
function lastOfEach(changes: readonly CellChange[]): readonly CellChange[] {
  if (changes.length === 1) return changes
  const last = new Map<string, CellChange>()
  for (const change of changes) last.set(change.field, change)
  return last.size === changes.length ? changes : [...last.values()]
}

/** No store's name has a space in it. */
function keyOf(store: SharedStore, object: string): string {
  return `${store} ${object}`
}
