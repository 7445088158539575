/** `goaway top`: what the nodes of a cluster do, again and again. */
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { createLogUpdate } from 'log-update'
import type { Argv, CommandModule } from 'yargs'
import { GoawayError } from '../errors.ts'
import { type ClusterArguments, openCluster, withCluster } from './cluster-argument.ts'
import { askAll, type NodeState } from './node-states.ts'
import { tableOf } from './node-table.ts'

interface TopArguments extends ClusterArguments {
  json?: boolean | undefined
  interval: number
  count?: number | undefined
}

const controlC = '\u0003'
const askMsMax = 1_000

export const topCommand: CommandModule<object, TopArguments> = {
  command: 'top [cluster]',
  describe: 'Watch what the nodes of a cluster do',
  builder: (parser) =>
    withCluster(parser as Argv<TopArguments>)
      .usage('$0 top [cluster.yaml]')
      .option('interval', {
        type: 'number',
        requiresArg: true,
        default: 1,
        describe: 'Seconds between two looks',
      })
      .option('count', { type: 'number', requiresArg: true, describe: 'Looks; then it ends' })
      .option('json', { type: 'boolean', describe: 'As JSON: one line a look' })
      .example('$0 top', 'until q or Ctrl-C')
      .example('$0 top --json --count 60 > minute.jsonl', 'for a program')
      .epilogue(
        'Without a terminal it prints one table a look.\n\n' +
          'Exit codes: 0 it was ended, 2 the arguments or the file make no sense.',
      ),
  handler: watch,
}

async function watch({ cluster, json, interval, count }: TopArguments): Promise<void> {
  if (!(interval > 0) || !(count === undefined || (Number.isInteger(count) && count > 0))) {
    throw new GoawayError(
      'ERR_GOAWAY_CONFIG',
      `Cannot watch: --interval and --count have to be more than 0: ${interval}, ${count}`,
    )
  }
  const { nodes, credentials } = openCluster({ cluster })
  const over = new AbortController()
  const screen = json === true ? jsonLines() : process.stdout.isTTY ? liveScreen() : plainTables()
  const release = awaitKeys(over)
  const timeoutMs = Math.min(askMsMax, interval * 1_000)
  for (let look = 1; !over.signal.aborted; look++) {
    const next = performance.now() + interval * 1_000
    const states = await askAll(nodes, { credentials, timeoutMs, signal: over.signal })
    if (over.signal.aborted) break
    screen.show(states)
    if (look === count) break
    const restMs = Math.max(0, next - performance.now())
    await pause(restMs, undefined, { signal: over.signal }).catch(() => {})
  }
  screen.done()
  release()
}

interface Screen {
  show(states: readonly NodeState[]): void
  done(): void
}

function jsonLines(): Screen {
  return {
    show: (nodes) => console.log(JSON.stringify({ at: new Date().toISOString(), nodes })),
    done: () => {},
  }
}

function plainTables(): Screen {
  return {
    show: (states) => console.log(`${new Date().toISOString()}\n${tableOf(states, Date.now())}\n`),
    done: () => {},
  }
}

function liveScreen(): Screen {
  const update = createLogUpdate(process.stdout)
  return {
    show: (states) => update(`${tableOf(states, Date.now())}\n\nq: end`),
    done: () => update.done(),
  }
}

/** Ends at q or Ctrl-C, as a key or as a signal; gives the terminal back when called. */
function awaitKeys(over: AbortController): () => void {
  const end = (): void => over.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  const { stdin } = process
  if (!stdin.isTTY || !process.stdout.isTTY) return () => {}
  stdin.setRawMode(true)
  stdin.setEncoding('utf8').on('data', (keys: string) => {
    if (/[qQ]/.test(keys) || keys.includes(controlC)) end()
  })
  return () => {
    stdin.setRawMode(false)
    stdin.pause()
  }
}
