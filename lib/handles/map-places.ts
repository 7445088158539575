/** Where the chunks of a `map` may run, as far as the thread knows that draws its items. */
import type { Node } from '../client/current.ts'
import type { ClusterNode } from '../client/members.ts'
import type { RoutineTerms } from '../wire/messages.ts'

export class MapPlaces {
  readonly #node: Node
  readonly #terms: RoutineTerms
  /** Terms that are sent once are known by being the same object. */
  readonly #termsApart = new Map<string, RoutineTerms>()

  constructor(node: Node, terms: RoutineTerms) {
    this.#node = node
    this.#terms = terms
  }

  /** Threads that may work on it: those of the whole cluster, where this thread knows them. */
  threads(): number {
    const threads = this.#members().reduce((sum, member) => sum + member.threads, 0)
    return threads > 0 ? threads : Math.max(1, this.#node.threads)
  }

  #members(): ClusterNode[] {
    const { on } = this.#terms
    const members = this.#node.members?.list() ?? []
    return members.filter(({ name, labels, spawner, threads }) => {
      if (on === 'local') return spawner
      return threads > 0 && (on === '' || on === name || labels.includes(on))
    })
  }

  /**
   * Terms for another node than that one, if there is one: who places it knows. Where nobody has
   * said where it runs, it waits, and so moves to whoever has nothing to do.
   */
  elsewhere(than: string | undefined): RoutineTerms {
    if (than === undefined || this.#terms.on === 'local') return this.#terms
    const known = this.#termsApart.get(than)
    if (known !== undefined) return known
    const terms = { ...this.#terms, apart: than }
    this.#termsApart.set(than, terms)
    return terms
  }
}
