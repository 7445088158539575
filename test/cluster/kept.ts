/** Nodes that supervisors keep, and what programs say of them. */
import type { Test } from 'tap'
import { jsonLines } from '../run-program.ts'
import { times } from './counting.ts'
import { type KeptNode, Stage } from './stage.ts'

export interface Kept {
  readonly stage: Stage
  readonly nodes: readonly KeptNode[]
  readonly cluster: { readonly nodes: readonly object[]; readonly launch: 'none' }
}

export async function keep(t: Test, count: number): Promise<Kept> {
  const stage = new Stage(t)
  const names = Array.from({ length: count }, (_, at) => `node-${at + 1}`)
  const nodes = await Promise.all(names.map((name) => stage.node(name)))
  const entries = nodes.map(({ host, port, name }) => ({ host, port, name, threads: 2 }))
  return { stage, nodes, cluster: { nodes: entries, launch: 'none', ...times } }
}

export function said(stdout: string): Map<string, Record<string, unknown>> {
  return new Map(jsonLines(stdout).map((line) => [line.what, line]))
}

export async function serves(t: Test, { stage, cluster }: Kept): Promise<void> {
  const { code, stdout } = await stage.program('staying', { cluster, stays: false }).ended
  t.equal(code, 0)
  t.match(said(stdout).get('init'), { value: 'up' })
  t.match(said(stdout).get('answer'), { value: 42 })
}
