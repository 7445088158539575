/**
 * The nodes of a cluster file, one by one: each with its own name, host and port, none of which may
 * pass for another's.
 */
import { resolve } from 'node:path'
import { safeParse } from 'valibot'
import type { GoawayError } from '../errors.ts'
import { portDefault } from '../limits.ts'
import { type Launch, type NodeConfig, reservedNames } from './cluster-config.ts'
import { hostSchema, userSchema } from './cluster-schema.ts'
import { expandHome } from './goaway-home.ts'

/** A node as the file gives it. */
export interface NodeData {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly user?: string | undefined
  readonly name?: string | undefined
  readonly threads?: number | undefined
  readonly threadsMax?: number | undefined
  readonly labels?: readonly string[] | undefined
  readonly command?: string | undefined
  readonly identityFile?: string | undefined
}

export interface NodesContext {
  readonly launch: Launch
  readonly root: string
  refuse(path: readonly (string | number)[], why: string): GoawayError
}

/** Nodes that goaway starts on this machine are reached from nowhere else. */
const loopback = '127.0.0.1'

export function nodesOf(
  { nodes }: { readonly nodes: number | readonly (string | NodeData)[] },
  context: NodesContext,
): NodeConfig[] {
  const given = typeof nodes === 'number' ? Array.from({ length: nodes }, () => ({})) : nodes
  const made = given.map((node, at) => {
    const data = typeof node === 'string' ? readAddress(node, at, context) : node
    return makeNode(data, at, context)
  })
  checkAddresses(made, context)
  checkNames(made, context)
  return made
}

function readAddress(text: string, at: number, { refuse }: NodesContext): NodeData {
  const form = "it has to be 'user@host:port', 'host:port' or 'host', with IPv6 as '[::1]:9060'"
  const parts = /^(?:(.*)@)?(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text)
  if (parts === null) throw refuse(['nodes', at], form)
  const [, user, bracketed, plain, digits] = parts
  const host = bracketed ?? plain
  const port = digits === undefined ? undefined : Number(digits)
  const isPort = port === undefined || (port >= 1 && port <= 65_535)
  const isUser = user === undefined || safeParse(userSchema, user).success
  if (!isPort || !isUser || !safeParse(hostSchema, host).success) throw refuse(['nodes', at], form)
  return { host, port, user }
}

function makeNode(data: NodeData, at: number, context: NodesContext): NodeConfig {
  const { launch, root, refuse } = context
  const isLocal = launch === 'local'
  const host = data.host ?? (isLocal ? loopback : undefined)
  if (host === undefined) throw refuse(['nodes', at], 'its host is missing')
  if (isLocal && !/^(localhost|127\.[\d.]+|::1)$/.test(host)) {
    const why = 'with launch: local nodes run on this machine, and need no host; for other machines'
    throw refuse(['nodes', at], `${why} use launch: ssh or none`)
  }
  const { user, threads, threadsMax, labels = [], command, identityFile } = data
  if (threads !== undefined && threadsMax !== undefined && threadsMax < threads) {
    throw refuse(['nodes', at, 'threadsMax'], `it has to be at least threads (${threads})`)
  }
  const port = data.port ?? (isLocal ? 0 : portDefault)
  const index = at + 1
  return {
    index,
    name: data.name ?? (isLocal ? `node-${index}` : writeAddress(host, port)),
    host,
    port,
    ...(user === undefined ? {} : { user }),
    ...(identityFile === undefined
      ? {}
      : { identityFile: resolve(root, expandHome(identityFile)) }),
    ...(command === undefined ? {} : { command }),
    ...(threads === undefined ? {} : { threads }),
    ...(threadsMax === undefined ? {} : { threadsMax }),
    labels: [...new Set(labels)],
  }
}

function writeAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function checkAddresses(nodes: readonly NodeConfig[], { refuse }: NodesContext): void {
  const seen = new Map<string, number>()
  for (const { index, host, port } of nodes) {
    if (port === 0) continue
    const address = writeAddress(host.toLowerCase(), port)
    const before = seen.get(address)
    if (before !== undefined) {
      const why = `node ${before} of the list has the same address, ${address}; give each its own`
      throw refuse(['nodes', index - 1], `${why} host or port`)
    }
    seen.set(address, index)
  }
}

/** `on: 'x'` must mean one thing: this process, a node, or the nodes with a label. */
function checkNames(nodes: readonly NodeConfig[], { refuse }: NodesContext): void {
  const names = new Map<string, number>()
  for (const { index, name } of nodes) {
    const place = ['nodes', index - 1]
    if (reservedNames.includes(name)) {
      throw refuse(
        place,
        `${name} is the name of the process that runs the program; choose another`,
      )
    }
    const before = names.get(name)
    if (before !== undefined) {
      throw refuse(place, `node ${before} of the list is named ${name} too; choose another name`)
    }
    names.set(name, index)
  }
  for (const { index, labels } of nodes) {
    const wrong = labels.find((label) => names.has(label) || reservedNames.includes(label))
    if (wrong === undefined) continue
    const why = `label ${wrong} is the name of ${names.has(wrong) ? 'a node' : 'this process'}`
    throw refuse(['nodes', index - 1], `${why}; choose another label`)
  }
}
